//! The cases, with the events that anybody who knows the applications and the protocols expects.

use testbed::Kind;

use super::APPS;
use super::case::{Case, Turn, Until};
use super::request::{self, Request};
use super::server::Server;

/// Every capture.
pub(crate) fn cases() -> Vec<Case> {
    [
        php_fpm(),
        php_cgi(),
        libfcgi(),
        fcgiwrap(),
        plain(
            UWSGI_FASTCGI,
            &["get", "echo-5", "download-70k", "head", "stream", "fail-late"],
        ),
        vec![ask(
            UWSGI_FASTCGI,
            "fail-raw",
            UNCAUGHT,
            "GET",
            "/fail-raw",
            &["end app_status=0 protocol_status=0"],
        )],
        plain(UWSGI, &PLAIN.map(|plain| plain.name)),
        vec![ask(UWSGI, "fail-raw", UNCAUGHT, "GET", "/fail-raw", &["eof"])],
        gunicorn_uwsgi(),
        plain(
            UWSGI_SCGI,
            &["get", "echo-5", "cookies", "status-304", "head", "stream"],
        ),
        vec![ask(
            UWSGI_SCGI,
            "fail-raw",
            UNCAUGHT,
            "GET",
            "/fail-raw",
            &["eof"],
        )],
        plain(UWSGI_HTTP, &["get", "head", "stream"]),
        gunicorn_http(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn php_fpm() -> Vec<Case> {
    let server = Server::Real(Kind::PhpFpm);
    let mut cases = plain(server, &PLAIN.map(|plain| plain.name));
    let late = cases.iter_mut().filter(|case| case.name == "fail-late");
    late.for_each(|case| {
        case.events
            .insert(4, stderr_begins("PHP message: PHP Fatal error:", "fail-late"))
    });
    let logged = r#"stderr "PHP message: stderr line 0; PHP message: stderr line 1""#;
    cases.push(ask(
        server,
        "stderr",
        LOGGED,
        "GET",
        "/stderr?lines=2",
        &[LOGGED_ANSWER, &[logged, END]].concat(),
    ));
    let fatal = stderr_begins("PHP message: PHP Fatal error:", "fail");
    let what = "A fatal error: STDERR holds the message, STDOUT an empty page";
    cases.push(ask(
        server,
        "fail",
        what,
        "GET",
        "/fail",
        &["status 500", r#"body """#, &fatal, END],
    ));
    let unknown = [
        "status 404",
        r#"body "File not found.\n""#,
        r#"stderr "Primary script unknown""#,
        END,
    ];
    cases.push(missing_script(server, &unknown));
    cases.push(values(server, &["value FCGI_MPXS_CONNS=0"]));
    cases.push(kept(server, Until::Record(END_REQUEST), END));
    cases
}

fn php_cgi() -> Vec<Case> {
    let server = Server::Real(Kind::PhpCgi);
    let mut cases = plain(server, &["get", "echo-20k", "status-404", "redirect"]);
    let logged = r#"stderr "stderr line 0\nstderr line 1\n""#;
    cases.push(ask(
        server,
        "stderr",
        LOGGED,
        "GET",
        "/stderr?lines=2",
        &[LOGGED_ANSWER, &[logged, END]].concat(),
    ));
    cases.push(missing_script(
        server,
        &["status 404", r#"body "No input file specified.\n""#, END],
    ));
    cases.push(values(
        server,
        &[
            "value FCGI_MPXS_CONNS=0",
            "value FCGI_MAX_REQS=2",
            "value FCGI_MAX_CONNS=2",
        ],
    ));
    cases.push(kept(server, Until::Record(END_REQUEST), END));
    cases
}

fn libfcgi() -> Vec<Case> {
    let server = Server::Libfcgi;
    let head = [
        "status 200",
        "header content-type: text/plain",
        "header x-method: POST",
    ];
    let hello = [head.as_slice(), &["header content-length: 5", r#"body "hello""#]].concat();
    let post = |target| request(server, "POST", target, Some(b"hello"), false, Until::Eof);
    let end = "end app_status=3 protocol_status=0";
    let values = values(
        server,
        &[
            "value FCGI_MAX_CONNS=1",
            "value FCGI_MAX_REQS=1",
            "value FCGI_MPXS_CONNS=0",
        ],
    );
    let big = request(server, "POST", "/", Some(TEXT_20K), false, Until::Eof);
    let big_events = [
        head.as_slice(),
        &["header content-length: 20000", TEXT_20K_EVENT, END],
    ]
    .concat();
    let kept = || {
        request(
            server,
            "POST",
            "/",
            Some(b"hello"),
            true,
            Until::Record(END_REQUEST),
        )
    };
    vec![
        case(
            server,
            "echo-5",
            "A body of five bytes, sent back",
            vec![post("/")],
            &[&hello[..], &[END]].concat(),
        ),
        case(
            server,
            "echo-20k",
            "A body of 20,000 bytes in several records, sent back",
            vec![big],
            &big_events,
        ),
        case(
            server,
            "stderr",
            "A line on STDERR, which then ends with an empty record, and an application status",
            vec![post("/?stderr")],
            &[&hello[..], &[r#"stderr "stderr line\n""#, end]].concat(),
        ),
        case(
            server,
            "keep-conn",
            "Two requests on a kept connection",
            vec![kept(), kept()],
            &[&hello[..], &[END], &hello[..], &[END]].concat(),
        ),
        values,
    ]
}

fn fcgiwrap() -> Vec<Case> {
    let server = Server::Real(Kind::Fcgiwrap);
    let mut cases = plain(server, &["get", "echo-5", "cookies", "status-204", "redirect"]);
    let logged = r#"stderr "stderr line 0\nstderr line 1\n""#;
    cases.push(ask(
        server,
        "stderr",
        LOGGED,
        "GET",
        "/stderr?lines=2",
        &[LOGGED_ANSWER, &[logged, END]].concat(),
    ));
    let what = "The program exits with status 1 after a line on standard error and none on standard output";
    cases.push(ask(
        server,
        "fail-raw",
        what,
        "GET",
        "/fail-raw",
        &[r#"stderr "fail-raw\r\n""#, END],
    ));
    cases
}

fn gunicorn_uwsgi() -> Vec<Case> {
    let server = Server::Real(Kind::GunicornUwsgi);
    let mut cases = plain(
        server,
        &[
            "get",
            "echo-20k",
            "cookies",
            "status-204",
            "head",
            "stream",
            "fail-late",
        ],
    );
    cases.push(kept(server, Until::Length, "length"));
    cases.push(ask(
        server,
        "fail-raw",
        UNCAUGHT,
        "GET",
        "/fail-raw",
        &GUNICORN_PAGE,
    ));
    cases
}

fn gunicorn_http() -> Vec<Case> {
    let server = Server::Real(Kind::GunicornHttp);
    let mut cases = plain(
        server,
        &["get", "echo-5", "status-304", "head", "stream", "fail-late"],
    );
    cases.push(kept(server, Until::Length, "length"));
    cases.push(ask(
        server,
        "fail-raw",
        UNCAUGHT,
        "GET",
        "/fail-raw",
        &GUNICORN_PAGE,
    ));
    cases
}

/// A case that every server answers alike.
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

#[derive(Clone, Copy)]
enum Ending {
    Length,
    Open,
    Truncated,
}

impl Plain {
    fn case(&self, server: Server) -> Case {
        let turn = request(server, self.method, self.target, self.body, false, Until::Eof);
        let endings: &[&str] = match (server.protocol(), self.ending) {
            ("fastcgi", Ending::Length | Ending::Open) => &[END],
            ("fastcgi", Ending::Truncated) => &[END, "truncated"],
            (_, Ending::Length) => &["length"],
            (_, Ending::Open) if server == Server::Real(Kind::GunicornHttp) => &["chunked"],
            (_, Ending::Open) => &["eof"],
            (_, Ending::Truncated) => &["truncated"],
        };
        case(
            server,
            self.name,
            self.what,
            vec![turn],
            &[self.events, endings].concat(),
        )
    }
}

fn plain(server: Server, names: &[&str]) -> Vec<Case> {
    PLAIN
        .iter()
        .filter(|plain| names.contains(&plain.name))
        .map(|plain| plain.case(server))
        .collect()
}

fn ask(
    server: Server,
    name: &'static str,
    what: &'static str,
    method: &str,
    target: &str,
    events: &[&str],
) -> Case {
    case(
        server,
        name,
        what,
        vec![request(server, method, target, None, false, Until::Eof)],
        events,
    )
}

fn missing_script(server: Server, events: &[&str]) -> Case {
    let script = format!("{APPS}/php/missing.php");
    let request = Request {
        method: "GET",
        target: "/missing",
        body: None,
        keep: false,
        script: &script,
    };
    let turn = Turn {
        request: request.bytes(server),
        until: Until::Eof,
    };
    case(
        server,
        "missing-script",
        "SCRIPT_FILENAME names no file",
        vec![turn],
        events,
    )
}

fn values(server: Server, events: &[&str]) -> Case {
    let turn = Turn {
        request: request::get_values(),
        until: Until::Record(GET_VALUES_RESULT),
    };
    case(
        server,
        "get-values",
        "GET_VALUES for the three names of the specification",
        vec![turn],
        events,
    )
}

/// Two requests, one after the other, on a connection that the first one asks to keep.
fn kept(server: Server, until: Until, ending: &str) -> Case {
    let digits = request(server, "GET", "/head-test", None, true, until);
    let hello = request(server, "POST", "/echo", Some(b"hello"), true, until);
    let events = [DIGITS, &[ending], HELLO, &[ending]].concat();
    case(
        server,
        "keep-conn",
        "Two requests on a kept connection",
        vec![digits, hello],
        &events,
    )
}

fn request(
    server: Server,
    method: &str,
    target: &str,
    body: Option<&[u8]>,
    keep: bool,
    until: Until,
) -> Turn {
    let script = match server {
        Server::Real(Kind::Fcgiwrap) => format!("{APPS}/cgi/app.pl"),
        Server::Real(_) | Server::Libfcgi => format!("{APPS}/php/index.php"),
    };
    Turn {
        request: Request {
            method,
            target,
            body,
            keep,
            script: &script,
        }
        .bytes(server),
        until,
    }
}

fn case(server: Server, name: &'static str, what: &'static str, turns: Vec<Turn>, events: &[&str]) -> Case {
    Case {
        server,
        name,
        what,
        turns,
        events: events.iter().map(ToString::to_string).collect(),
    }
}

fn stderr_begins(prefix: &str, message: &str) -> String {
    format!(r#"stderr-begins "{prefix}  Uncaught RuntimeException: {message} in {APPS}/php/index.php:""#)
}

const UWSGI: Server = Server::Real(Kind::UwsgiUwsgi);
const UWSGI_FASTCGI: Server = Server::Real(Kind::UwsgiFastcgi);
const UWSGI_SCGI: Server = Server::Real(Kind::UwsgiScgi);
const UWSGI_HTTP: Server = Server::Real(Kind::UwsgiHttp);

const END_REQUEST: u8 = 3;
const GET_VALUES_RESULT: u8 = 10;
const END: &str = "end app_status=0 protocol_status=0";

const UNCAUGHT: &str = "The application raises an exception before it has said anything";
const LOGGED: &str = "Two lines to the log stream besides a normal answer";
const LOGGED_ANSWER: &[&str] = &["status 200", "header content-length: 7", r#"body "logged\n""#];
const GUNICORN_PAGE: [&str; 5] = [
    "status 500",
    "header connection: close",
    "header content-length: 141",
    concat!(
        r#"body "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n"#,
        r#"    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n""#
    ),
    "length",
];

const DIGITS: &[&str] = &[
    "status 200",
    "header content-type: text/plain",
    "header content-length: 10",
    r#"body "0123456789""#,
];
const HELLO: &[&str] = &["status 200", "header content-length: 5", r#"body "hello""#];

const TEXT_20K: &[u8] = &{
    let mut text = [b'-'; 20_000];
    let mut i = 9;
    while i < text.len() {
        text[i] = b'0' + (i / 10 % 10) as u8;
        i += 10;
    }
    text
};
const TEXT_20K_EVENT: &str =
    "body-sha256 7532ba56932c17c562b892a2de17a92fb70aa82404bad1c99308486c86d4e9be 20000";

const PLAIN: [Plain; 12] = [
    Plain {
        name: "get",
        what: "A simple GET",
        method: "GET",
        target: "/head-test",
        body: None,
        events: DIGITS,
        ending: Ending::Length,
    },
    Plain {
        name: "echo-5",
        what: "A body of five bytes, sent back",
        method: "POST",
        target: "/echo",
        body: Some(b"hello"),
        events: HELLO,
        ending: Ending::Length,
    },
    Plain {
        name: "echo-20k",
        what: "A body of 20,000 bytes, in FastCGI in several records, sent back",
        method: "POST",
        target: "/echo",
        body: Some(TEXT_20K),
        events: &["status 200", "header content-length: 20000", TEXT_20K_EVENT],
        ending: Ending::Length,
    },
    Plain {
        name: "download-70k",
        what: "An answer longer than a record; byte i is (i * 31 + 7) & 0xff",
        method: "GET",
        target: "/download?bytes=70000",
        body: None,
        events: &[
            "status 200",
            "header content-length: 70000",
            "body-sha256 3500f58cfd1bd88e231edf56dca995542a702bd54525804e5a8604c8aa5cb52e 70000",
        ],
        ending: Ending::Length,
    },
    Plain {
        name: "cookies",
        what: "Three Set-Cookie headers",
        method: "GET",
        target: "/cookies?count=3",
        body: None,
        events: &[
            "status 200",
            "header set-cookie: c0=v0",
            "header set-cookie: c1=v1",
            "header set-cookie: c2=v2",
            r#"body "cookies\n""#,
        ],
        ending: Ending::Length,
    },
    Plain {
        name: "status-404",
        what: "A status that is not 200",
        method: "GET",
        target: "/status?code=404",
        body: None,
        events: &[
            "status 404",
            "header content-length: 11",
            r#"body "status 404\n""#,
        ],
        ending: Ending::Length,
    },
    Plain {
        name: "status-204",
        what: "An answer without a body",
        method: "GET",
        target: "/status?code=204",
        body: None,
        events: &["status 204", r#"body """#],
        ending: Ending::Length,
    },
    Plain {
        name: "status-304",
        what: "An answer without a body and without a Content-Type",
        method: "GET",
        target: "/status?code=304",
        body: None,
        events: &["status 304", r#"body """#],
        ending: Ending::Length,
    },
    Plain {
        name: "head",
        what: "HEAD: the headers of GET, no body",
        method: "HEAD",
        target: "/head-test",
        body: None,
        events: &["status 200", "header content-length: 10", r#"body """#],
        ending: Ending::Length,
    },
    Plain {
        name: "redirect",
        what: "A Location",
        method: "GET",
        target: "/redirect?to=/elsewhere&code=302",
        body: None,
        events: &[
            "status 302",
            "header location: /elsewhere",
            r#"body "redirect\n""#,
        ],
        ending: Ending::Length,
    },
    Plain {
        name: "stream",
        what: "An answer without a Content-Length",
        method: "GET",
        target: "/stream?chunks=3&ms=0",
        body: None,
        events: &[
            "status 200",
            "header content-type: text/plain",
            r#"body "chunk 0\nchunk 1\nchunk 2\n""#,
        ],
        ending: Ending::Open,
    },
    Plain {
        name: "fail-late",
        what: "The application fails after 7 of the 1,000 bytes it has announced",
        method: "GET",
        target: "/fail-late",
        body: None,
        events: &[
            "status 200",
            "header content-type: text/plain",
            "header content-length: 1000",
            r#"body "partial""#,
        ],
        ending: Ending::Truncated,
    },
];
