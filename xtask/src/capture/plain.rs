//! The cases that every server answers alike.

use testbed::Kind;

use super::case::{Case, Turn};
use super::server::Server;

/// The cases of these names, for one server.
pub(crate) fn plain(server: Server, names: &[&str]) -> Vec<Case> {
    let wanted = PLAIN.iter().filter(|plain| names.contains(&plain.name));
    wanted.map(|plain| plain.case(server)).collect()
}

/// All of them, for one server.
pub(crate) fn every(server: Server) -> Vec<Case> {
    PLAIN.iter().map(|plain| plain.case(server)).collect()
}

/// A request to the example application, and what it answers.
#[derive(Clone, Copy)]
struct Plain {
    name: &'static str,
    what: &'static str,
    method: &'static str,
    target: &'static str,
    body: Option<&'static [u8]>,
    events: &'static [&'static str],
    ending: Ending,
}

/// How the application ends its answer; what that looks like depends on the protocol.
#[derive(Clone, Copy)]
enum Ending {
    Length,
    Open,
    Truncated,
}

impl Plain {
    const fn get(
        name: &'static str,
        what: &'static str,
        target: &'static str,
        events: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            what,
            method: "GET",
            target,
            body: None,
            events,
            ending: Ending::Length,
        }
    }

    const fn echo(
        name: &'static str,
        what: &'static str,
        body: &'static [u8],
        events: &'static [&'static str],
    ) -> Self {
        Self {
            method: "POST",
            body: Some(body),
            ..Self::get(name, what, "/echo", events)
        }
    }

    fn case(&self, server: Server) -> Case {
        let turn = Turn::new(server, self.method, self.target, self.body);
        let endings: &[&str] = match (server.protocol(), self.ending) {
            ("fastcgi", Ending::Length | Ending::Open) => &[END],
            ("fastcgi", Ending::Truncated) => &[END, "truncated"],
            (_, Ending::Length) => &["length"],
            (_, Ending::Open) if server == Server::Real(Kind::GunicornHttp) => &["chunked"],
            (_, Ending::Open) => &["eof"],
            (_, Ending::Truncated) => &["truncated"],
        };
        Case::new(
            server,
            self.name,
            self.what,
            vec![turn],
            &[self.events, endings].concat(),
        )
    }
}

/// The usual end of a FastCGI request.
pub(crate) const END: &str = "end app_status=0 protocol_status=0";

/// What /head-test answers.
pub(crate) const DIGITS: &[&str] = &[
    "status 200",
    "header content-type: text/plain",
    "header content-length: 10",
    r#"body "0123456789""#,
];

/// What /echo answers to `hello`.
pub(crate) const HELLO: &[&str] = &["status 200", "header content-length: 5", r#"body "hello""#];

/// 20,000 bytes that fit on lines.
pub(crate) const TEXT: &[u8] = &{
    let mut text = [b'-'; 20_000];
    let mut i = 9;
    while i < text.len() {
        text[i] = b'0' + (i / 10 % 10) as u8;
        i += 10;
    }
    text
};

/// The event of a body that is [`TEXT`].
pub(crate) const TEXT_EVENT: &str =
    "body-sha256 7532ba56932c17c562b892a2de17a92fb70aa82404bad1c99308486c86d4e9be 20000";

const PLAIN: &[Plain] = &[
    Plain::get("get", "A simple GET", "/head-test", DIGITS),
    Plain::echo("echo-5", "A body of five bytes, sent back", b"hello", HELLO),
    Plain::echo(
        "echo-20k",
        "A body of 20,000 bytes, in FastCGI in several records, sent back",
        TEXT,
        &["status 200", "header content-length: 20000", TEXT_EVENT],
    ),
    Plain::get(
        "download-70k",
        "An answer longer than a record; byte i is (i * 31 + 7) & 0xff",
        "/download?bytes=70000",
        &[
            "status 200",
            "header content-length: 70000",
            "body-sha256 3500f58cfd1bd88e231edf56dca995542a702bd54525804e5a8604c8aa5cb52e 70000",
        ],
    ),
    Plain::get(
        "cookies",
        "Three Set-Cookie headers",
        "/cookies?count=3",
        &[
            "status 200",
            "header set-cookie: c0=v0",
            "header set-cookie: c1=v1",
            "header set-cookie: c2=v2",
            r#"body "cookies\n""#,
        ],
    ),
    Plain::get(
        "status-404",
        "A status that is not 200",
        "/status?code=404",
        &[
            "status 404",
            "header content-length: 11",
            r#"body "status 404\n""#,
        ],
    ),
    Plain::get(
        "status-204",
        "An answer without a body",
        "/status?code=204",
        &["status 204", r#"body """#],
    ),
    Plain::get(
        "status-304",
        "An answer without a body and without a Content-Type",
        "/status?code=304",
        &["status 304", r#"body """#],
    ),
    Plain {
        method: "HEAD",
        ..Plain::get(
            "head",
            "HEAD: the headers of GET, no body",
            "/head-test",
            &["status 200", "header content-length: 10", r#"body """#],
        )
    },
    Plain::get(
        "redirect",
        "A Location",
        "/redirect?to=/elsewhere&code=302",
        &[
            "status 302",
            "header location: /elsewhere",
            r#"body "redirect\n""#,
        ],
    ),
    Plain {
        ending: Ending::Open,
        ..Plain::get(
            "stream",
            "An answer without a Content-Length",
            "/stream?chunks=3&ms=0",
            &[
                "status 200",
                "header content-type: text/plain",
                r#"body "chunk 0\nchunk 1\nchunk 2\n""#,
            ],
        )
    },
    Plain {
        ending: Ending::Truncated,
        ..Plain::get(
            "fail-late",
            "The application fails after 7 of the 1,000 bytes it has announced",
            "/fail-late",
            &[
                "status 200",
                "header content-type: text/plain",
                "header content-length: 1000",
                r#"body "partial""#,
            ],
        )
    },
];
