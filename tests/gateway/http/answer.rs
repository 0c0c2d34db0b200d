//! Answers: their framing is ours, whatever the application says.

use anyhow::Result;
use testbed::{Client, Response, ScriptedConnection};

use super::frames::{END_STREAM, GET, Outcome, status_of};
use super::site::{Site, answering};
use crate::start;

/// What a GET gets when the application answers with `stdout`.
fn answered(stdout: &'static str) -> (Site, Response) {
    let site = Site::scripted("", "", answering(stdout));
    let answer = site.request("GET", "/first", &[], b"");
    (site, answer)
}

/// The protocols of applications.
const PROTOCOLS: [&str; 4] = ["fastcgi", "uwsgi", "scgi", "http"];

/// Reads a request, and answers it with fields and a body: those that `choose` has for its target.
fn answer_in(
    protocol: &str,
    choose: impl Fn(&str) -> (&'static str, &'static str),
    mut connection: ScriptedConnection,
) -> Result<()> {
    let request = match protocol {
        "fastcgi" => connection.read_fastcgi()?,
        "scgi" => connection.read_scgi()?,
        "uwsgi" => connection.read_uwsgi()?,
        _ => connection.read_http()?,
    };
    let asked = request.line.split(' ').nth(1);
    let (fields, body) = choose(request.param("REQUEST_URI").or(asked).unwrap_or_default());
    let answer = |first: &str| format!("{first}\r\n{fields}\r\n{body}");
    match protocol {
        "fastcgi" => connection.fastcgi_response(request.id, answer("Status: 200 Fine").as_bytes()),
        "scgi" => connection.write(answer("Status: 200 Fine")),
        _ => connection.write(answer("HTTP/1.1 200 Fine")),
    }
}

fn count(answer: &Response, name: &str) -> usize {
    answer.headers.iter().filter(|(own, _)| own == name).count()
}

#[test]
fn every_answer_has_one_date_and_one_server() {
    let (site, plain) = answered("Content-Type: text/plain\r\n\r\nhello");
    let fixed = site.request("GET", "/fixed", &[], b"");
    let missing = site.request("GET", "/..", &[], b"");
    for answer in [plain, fixed, missing] {
        assert_eq!(count(&answer, "date"), 1, "{answer:?}");
        assert!(count(&answer, "server") <= 1, "{answer:?}");
        assert!(answer.header("date").unwrap().ends_with(" GMT"));
    }
}

#[test]
fn the_date_of_the_application_is_not_doubled() {
    let (_site, answer) = answered("Content-Type: a/b\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n");
    assert_eq!(count(&answer, "date"), 1);
}

// GH-18
#[test]
fn head_has_the_fields_and_no_body() {
    let site = Site::scripted(
        "",
        "",
        answering("Content-Type: a/b\r\nContent-Length: 5\r\n\r\nhello"),
    );
    let mut client = site.client();
    for _ in 0..2 {
        let head = client.request("HEAD", "/first", &[], b"").unwrap();
        assert_eq!(head.header("content-length"), Some("5"));
        let get = client.request("GET", "/first", &[], b"").unwrap();
        assert_eq!(get.text(), "hello");
    }
    let fixed = client.request("HEAD", "/fixed", &[], b"").unwrap();
    assert_eq!(fixed.header("content-length"), Some("6"));
    let log = site.log(5);
    assert_eq!(log[0]["response_bytes"], 0);
    assert_eq!(log[1]["response_bytes"], 5);
    assert!(log.iter().all(|line| line["reason"].is_null()), "{log:#?}");
}

#[test]
fn answers_that_have_no_body_get_none() {
    for status in ["204 No Content", "304 Not Modified", "205 Reset Content"] {
        let site = Site::scripted("", "", move |mut connection| {
            let request = connection.read_fastcgi()?;
            let answer = format!("Status: {status}\r\nETag: \"x\"\r\nContent-Length: 5\r\n\r\nhello");
            connection.fastcgi_response(request.id, answer.as_bytes())
        });
        let mut client = site.client();
        client.send_request("GET", "/first", &[], b"").unwrap();
        client
            .send_request("GET", "/fixed", &[("Connection", "close")], b"")
            .unwrap();
        let text = String::from_utf8(client.rest().unwrap()).unwrap();
        assert!(text.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{text}");
        let (head, rest) = text.split_once("\r\n\r\n").unwrap();
        // Nothing between this head and the next answer.
        assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")
                .map(str::to_owned)
        });
        match &status[..3] {
            "204" => assert_eq!(length, None),
            "205" => assert_eq!(length.as_deref(), Some("0")),
            _ => assert!(length.is_none_or(|length| length == "5")),
        }
        assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
    }
}

#[test]
fn the_framing_of_the_application_is_replaced_by_ours() {
    let (_site, answer) = answered(
        "Content-Type: a/b\r\nTransfer-Encoding: chunked\r\nConnection: close, X-Secret\r\nX-Secret: s\r\n\
         Keep-Alive: x\r\nUpgrade: y\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert!(!answer.closed);
    for name in ["keep-alive", "upgrade", "connection", "trailer", "x-secret"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

/// The body that an application's fields make of some bytes; `None`: the answer is refused.
const FRAMINGS: &[(&str, &str, Option<&str>)] = &[
    ("Content-Length: 5\r\n", "hello", Some("hello")),
    (
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "hello",
        Some("hello"),
    ),
    ("Content-Length: 5, 5\r\n", "hello", Some("hello")),
    ("Content-Length: 3, 3\r\n", "hello", Some("hel")),
    (
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "hello",
        Some("hello"),
    ),
    ("Content-Length: 5\r\nContent-Length: 3\r\n", "hello", None),
    ("Content-Length: 5, 3\r\n", "hello", None),
    ("Content-Length: 5,\r\n", "hello", None),
    ("Content-Length: +5\r\n", "hello", None),
    ("Transfer-Encoding: gzip\r\n", "hello", None),
    (
        "Transfer-Encoding: gzip, chunked\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        None,
    ),
    (
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        None,
    ),
    (
        "Transfer-Encoding: chunked\r\nContent-Length: 15\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        None,
    ),
];

#[test]
fn the_framing_of_an_application_means_the_same_in_every_protocol() {
    for protocol in PROTOCOLS {
        let site = Site::speaking(protocol, "", "", move |connection| {
            let row = |target: &str| {
                let row = target.strip_prefix("/").and_then(|row| row.parse::<usize>().ok());
                let (fields, sent, _) = FRAMINGS[row.unwrap_or_default()];
                (fields, sent)
            };
            answer_in(protocol, row, connection)
        });
        for (row, (fields, _, body)) in FRAMINGS.iter().enumerate() {
            let target = format!("/{row}");
            let shown = format!("{protocol} {fields:?}");
            let answer = site.request("GET", &target, &[], b"");
            let outcome = site
                .http2()
                .ask(&[GET[0], GET[1], (":path", &target), GET[3]], b"");
            let Some(body) = body else {
                let reason = answer.header("bridgehead-error");
                assert_eq!(
                    (answer.status, reason),
                    (502, Some("bad_response_head")),
                    "{shown}"
                );
                let refused =
                    matches!(&outcome, Outcome::Answer(502, page) if page.contains("bad_response_head"));
                assert!(refused, "{shown}: {outcome:?}");
                continue;
            };
            let got = (answer.status, answer.text(), answer.complete);
            assert_eq!(got, (200, (*body).to_owned(), true), "{shown}");
            assert_eq!(count(&answer, "transfer-encoding"), 0, "{shown}");
            assert_eq!(
                answer.header("content-length"),
                Some(&*body.len().to_string()),
                "{shown}"
            );
            assert_eq!(outcome, Outcome::Answer(200, (*body).to_owned()), "{shown}");
        }
    }
}

#[test]
fn chunks_of_an_application_are_undone_in_every_protocol() {
    const CODED: &str = "2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n";
    for protocol in PROTOCOLS {
        let site = Site::speaking(protocol, "", "", move |connection| {
            answer_in(
                protocol,
                |_| ("Transfer-Encoding: chunked\r\n", CODED),
                connection,
            )
        });
        let answer = site.request("GET", "/first", &[], b"");
        let got = (answer.status, answer.complete, answer.text());
        assert_eq!(got, (200, true, "hello".to_owned()), "{protocol}");
        let old = site.only("GET /first HTTP/1.0\r\n\r\n");
        assert_eq!((old.status, old.text().as_str()), (200, "hello"), "{protocol}");
        assert_eq!(old.header("transfer-encoding"), None, "{protocol}");
        let outcome = site.http2().ask(&GET, b"");
        assert_eq!(outcome, Outcome::Answer(200, "hello".into()), "{protocol}");
    }
}

#[test]
fn the_version_in_the_status_line_is_ours() {
    for protocol in ["uwsgi", "http"] {
        let site = Site::speaking(protocol, "", "", move |mut connection| {
            match protocol {
                "uwsgi" => connection.read_uwsgi()?,
                _ => connection.read_http()?,
            };
            connection.write("HTTP/1.0 404 Nothing\r\nContent-Length: 5\r\n\r\nhello")
        });
        let answer = site.request("GET", "/first", &[], b"");
        let old = site.only("GET /first HTTP/1.0\r\n\r\n");
        for answer in [answer, old] {
            let got = (answer.version.as_str(), answer.status, answer.text());
            assert_eq!(got, ("HTTP/1.1", 404, "hello".to_owned()), "{protocol}");
        }
    }
}

#[test]
fn a_body_of_unknown_length_is_chunked_or_ends_with_the_connection() {
    let site = Site::scripted("", "", |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(6, request.id, b"Content-Type: a/b\r\n\r\nhel")?;
        connection.write_record(6, request.id, &[b'l'; 60_000])?;
        connection.fastcgi_response(request.id, b"o")
    });
    let answer = site.request("GET", "/streamed", &[], b"");
    assert!(answer.complete && !answer.closed);
    assert_eq!(answer.body.len(), 60_004);
    let old = site.only("GET /streamed HTTP/1.0\r\n\r\n");
    assert_eq!(old.header("transfer-encoding"), None);
    assert_eq!((old.body.len(), old.closed), (60_004, true));
}

#[test]
fn a_broken_answer_never_looks_complete() {
    for head in [
        "Content-Type: a/b\r\n\r\n",
        "Content-Type: a/b\r\nContent-Length: 200000\r\n\r\n",
    ] {
        let site = Site::scripted("", "", move |mut connection| {
            let request = connection.read_fastcgi()?;
            connection.write_record(6, request.id, head.as_bytes())?;
            connection.write_record(6, request.id, &[b'x'; 60_000])?;
            connection.write_record(6, request.id, &[b'x'; 60_000])
        });
        let mut client = site.client();
        client.send_request("GET", "/first", &[], b"").unwrap();
        match client.read_response() {
            Ok(answer) => assert!(answer.status == 502 || !answer.complete, "{answer:?}"),
            // A reset is as clear.
            Err(error) => assert!(format!("{error:#}").contains("reset"), "{error:#}"),
        }
        let [line] = site.log(1).try_into().unwrap();
        assert!(!line["reason"].is_null(), "{line}");
    }
}

#[test]
fn http_1_0_closes_unless_it_asks_to_be_kept() {
    let site = Site::new();
    let answer = site.only("GET /first HTTP/1.0\r\n\r\n");
    assert_eq!(answer.text(), "GET /first 0");
    let mut client = site.client();
    for _ in 0..2 {
        client
            .send("GET /first HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            .unwrap();
        let answer = client.read_response().unwrap();
        assert!(answer.complete && !answer.closed);
        let connection = answer.header("connection").unwrap_or_default();
        assert!(connection.eq_ignore_ascii_case("keep-alive"), "{answer:?}");
    }
    assert_eq!(site.log(3)[0]["version"], "HTTP/1.0");
}

#[test]
fn close_is_honoured_and_announced() {
    let site = Site::new();
    for fields in [
        "Connection: close\r\n",
        "Connection: keep-alive, close\r\n",
        "Connection: CLOSE\r\n",
        "Connection: x\r\nConnection: close\r\n",
    ] {
        let answer = site.only(format!("GET /first HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        assert_eq!(answer.header("connection"), Some("close"), "{fields:?}");
    }
}

#[test]
fn interim_answers_of_the_application_are_not_answers() {
    let (site, answer) = answered("Status: 100 Continue\r\n\r\n");
    assert_eq!(answer.status, 502);
    assert!(answer.header("bridgehead-error").is_some());
    assert_eq!(site.log(1)[0]["status"], 502);
}

#[test]
fn interim_answers_of_a_backend_go_on_to_a_client_that_knows_them() {
    for protocol in ["http", "uwsgi"] {
        let site = Site::speaking(protocol, "", "", move |mut connection| {
            match protocol {
                "http" => connection.read_http()?,
                _ => connection.read_uwsgi()?,
            };
            connection.write(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\nConnection: x\r\n\r\n",
            )?;
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        });
        let mut client = site.client();
        client.send_request("GET", "/first", &[], b"").unwrap();
        let go_on = client.read_head().unwrap();
        assert_eq!((go_on.status, go_on.headers.len()), (100, 0), "{protocol}");
        let hints = client.read_head().unwrap();
        assert_eq!((hints.status, hints.header("link")), (103, Some("</x>")));
        assert_eq!(hints.headers.len(), 1, "{hints:?}");
        assert_eq!(client.read_response().unwrap().text(), "hello");
        let old = site.only("GET /first HTTP/1.0\r\n\r\n");
        assert_eq!((old.status, old.text().as_str()), (200, "hello"), "{protocol}");
        let mut http = site.http2();
        http.headers(1, &GET, END_STREAM);
        let statuses: Vec<_> = (0..3).map(|_| status_of(&http.head(1))).collect();
        assert_eq!(statuses, [100, 103, 200], "{protocol}");
    }
}

#[test]
fn what_was_wrong_with_a_head_is_told_with_its_line() {
    let rows: [(&str, &str); 7] = [
        ("Notice\r\n", "field without a colon: `Notice`"),
        ("X Y: secret\r\n", "malformed field name: `X Y`"),
        ("X-A : secret\r\n", "whitespace before the colon: `X-A `"),
        (
            "Content-Length: 5x\r\n",
            "Content-Length is no number in digits: `Content-Length: 5x`",
        ),
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length has two different values: `Content-Length: 6`",
        ),
        (
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding is not `chunked` alone, once: `Transfer-Encoding: gzip`",
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Content-Length beside Transfer-Encoding",
        ),
    ];
    for protocol in PROTOCOLS {
        let site = Site::speaking(protocol, "", "", move |connection| {
            let row = |target: &str| {
                let row = target.strip_prefix("/").and_then(|row| row.parse::<usize>().ok());
                (rows[row.unwrap_or_default()].0, "hello")
            };
            answer_in(protocol, row, connection)
        });
        for (row, (_, told)) in rows.iter().enumerate() {
            let answer = site.request("GET", &format!("/{row}"), &[], b"");
            assert_eq!(answer.status, 502, "{protocol} {told}");
            let log = site
                .gateway
                .wait_errors(&format!("malformed response head: {told}"))
                .unwrap();
            assert!(!log.contains("secret"), "{log}");
        }
    }
}

#[test]
fn what_was_wrong_with_a_switch_of_protocols_is_told() {
    let site = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection.write("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n")
    });
    let asks = [("Connection", "upgrade"), ("Upgrade", "websocket")];
    for (fields, told) in [
        (&[][..], "status 101, but the request asked for no other protocol"),
        (
            &asks,
            "status 101, but Upgrade names no protocol that the request offered",
        ),
    ] {
        assert_eq!(site.request("GET", "/first", fields, b"").status, 502);
        site.gateway.wait_errors(told).unwrap();
    }
}

#[test]
fn errors_of_ours_say_why() {
    let gateway = start(
        "[upstream.none]\nprotocol = \"fastcgi\"\nendpoints = [\"unix:{dir}/none\"]\n\
         [upstream.refusing]\nprotocol = \"fastcgi\"\nendpoints = [\"127.0.0.1:1\"]\n\
         [[route]]\nhost = \"a.example\"\nproxy = { upstream = \"none\" }\n\
         [[route]]\nhost = \"b.example\"\nproxy = { upstream = \"refusing\" }\n",
    );
    let ask = |host: &str| {
        let mut client = Client::connect(gateway.addr()).unwrap();
        let answer = client.request("GET", "/", &[("Host", host)], b"").unwrap();
        let reason = answer.header("bridgehead-error").unwrap_or_default().to_owned();
        (answer.status, reason)
    };
    assert_eq!(ask("a.example"), (502, "socket_missing".to_owned()));
    assert_eq!(ask("b.example"), (502, "connect_refused".to_owned()));
    assert_eq!(ask("c.example"), (404, "not_found".to_owned()));
    let log = gateway.wait_access(3).unwrap();
    // Each came on a connection of its own: their lines have no order.
    for reason in ["socket_missing", "connect_refused", "not_found"] {
        let said = format!("\"reason\":\"{reason}\"");
        let lines = log.iter().filter(|line| line.contains(&said));
        assert_eq!(lines.count(), 1, "{log:?}");
    }
    let errors = gateway.wait_errors("connect_refused").unwrap();
    assert!(errors.contains("WARN request failed"), "{errors}");
}

#[test]
fn an_answer_without_head_is_a_bad_gateway() {
    let (site, answer) = answered("");
    assert_eq!(answer.status, 502);
    let [line] = site.log(1).try_into().unwrap();
    assert_eq!(line["reason"].as_str(), answer.header("bridgehead-error"));
}

#[test]
fn an_application_cannot_split_answers() {
    let (_site, answer) = answered("Content-Type: a/b\r\nX: a\rSet-Cookie: b\r\n\r\nhello");
    assert!(
        answer.status == 502 || answer.header("set-cookie").is_none(),
        "{answer:?}"
    );
    let (_site, answer) = answered("Content-Type: a/b\r\nX: a\0b\r\n\r\nhello");
    assert!(answer.status == 502 || answer.header("x").is_none(), "{answer:?}");
}

/// What applications ask nginx, lighttpd and Apache for.
const TO_SERVERS: &str = "X-Accel-Redirect: /inner/secret\r\nX-Accel-Expires: 0\r\nX-Accel-Charset: utf-8\r\n\
    X-Accel-Limit-Rate: 1\r\nX-Accel-Buffering: no\r\nX-Sendfile: /srv/secret\r\n\
    X-LIGHTTPD-send-file: /srv/secret\r\nX-Kept: yes\r\n";

#[test]
fn what_an_application_says_to_its_server_is_dropped_and_told_once() {
    for protocol in PROTOCOLS {
        let site = Site::speaking(protocol, "", "", move |connection| {
            answer_in(protocol, |_| (TO_SERVERS, "hello"), connection)
        });
        for _ in 0..2 {
            let answer = site.request("GET", "/first", &[], b"");
            assert_eq!((answer.status, answer.header("x-kept")), (200, Some("yes")));
            let asks = |name: &str| name.starts_with("x-accel-") || name.contains("send");
            assert!(answer.headers.iter().all(|(name, _)| !asks(name)), "{answer:?}");
        }
        let told = site.gateway.wait_errors("field=\"X-Sendfile\"").unwrap();
        for field in ["X-Accel-Redirect", "X-Accel-Charset", "X-LIGHTTPD-send-file"] {
            let line = format!("route=\"/\" field=\"{field}\"");
            assert_eq!(told.matches(&line).count(), 1, "{told}");
        }
        assert!(
            !told.contains("secret") && !told.contains("X-Accel-Buffering"),
            "{told}"
        );
    }
}

#[test]
fn the_server_program_is_hidden_unless_a_route_names_the_field() {
    let tables = "[[route]]\npath = \"/passed\"\nproxy = { upstream = \"app\" }\n\
                  pass_headers = [\"Server\", \"X-Accel-Redirect\"]\n\
                  [[route]]\npath = \"/own\"\nproxy = { upstream = \"app\" }\nheaders = { Server = \"own\" }\n";
    for protocol in PROTOCOLS {
        let fields = "Server: gunicorn\r\nX-Accel-Redirect: /inner\r\nX-Sendfile: /secret\r\n";
        let site = Site::speaking(protocol, "", tables, move |connection| {
            answer_in(protocol, |_| (fields, "hello"), connection)
        });
        let got = |target: &str| {
            let answer = site.request("GET", target, &[], b"");
            assert_eq!((answer.status, answer.header("x-sendfile")), (200, None));
            let field = |name| answer.header(name).map(str::to_owned);
            (field("server"), field("x-accel-redirect"))
        };
        assert_eq!(got("/first"), (None, None), "{protocol}");
        let passed = (Some("gunicorn".to_owned()), Some("/inner".to_owned()));
        assert_eq!(got("/passed"), passed, "{protocol}");
        assert_eq!(got("/own"), (Some("own".to_owned()), None), "{protocol}");
        let told = site
            .gateway
            .wait_errors("route=\"/passed\" field=\"X-Sendfile\"")
            .unwrap();
        assert!(
            !told.contains("route=\"/passed\" field=\"X-Accel-Redirect\""),
            "{told}"
        );
    }
}

#[test]
fn routes_set_their_fields_on_their_answers() {
    let site = Site::with(
        "",
        "[[route]]\npath = \"/framed\"\nheaders = { X-Frame-Options = \"DENY\" }\nproxy = { upstream = \"app\" }",
    );
    let answer = site.request("GET", "/framed", &[], b"");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
}

#[test]
fn a_length_without_a_body_arrives_with_any_timing() {
    for (status, length) in [(304, Some("5")), (204, None), (200, Some("5"))] {
        let site = Site::scripted("", "", move |mut connection| {
            let request = connection.read_fastcgi()?;
            let head = format!("Status: {status}\r\nContent-Length: 5\r\n\r\n");
            // Its end comes when the client has it: the gateway cannot have seen that before.
            connection.write_record(6, request.id, head.as_bytes())?;
            let _ = connection.wait_close();
            Ok(())
        });
        let mut client = site.client();
        let answer = client.request("HEAD", "/first", &[], b"").unwrap();
        assert_eq!((answer.status, answer.header("content-length")), (status, length));
        if status != 200 {
            let answer = client.request("GET", "/first", &[], b"").unwrap();
            assert_eq!((answer.status, answer.header("content-length")), (status, length));
        }
        assert!(site.log(if status == 200 { 1 } else { 2 })[0]["reason"].is_null());
    }
}

#[test]
fn a_redirect_goes_where_it_says() {
    let tables = [
        ("alt.html", "/neu.html"),
        ("host", "https://new.example"),
        ("exact", "https://new.example/"),
        ("variables", "https://$host/shop$request_uri"),
    ]
    .map(|(path, to)| format!("[[route]]\npath = \"/{path}\"\nredirect = {{ to = \"{to}\" }}\n"));
    let site = Site::with("", &tables.concat());
    for (target, location) in [
        ("/alt.html?a", "/neu.html"),
        ("/host/x?y", "https://new.example/host/x?y"),
        ("/exact/x?y", "https://new.example/"),
        ("/variables/x?y", "https://a.example/shop/variables/x?y"),
    ] {
        let answer = site.request("GET", target, &[("Host", "a.example:80")], b"");
        assert_eq!(
            (answer.status, answer.header("location")),
            (302, Some(location)),
            "{target}"
        );
        assert_eq!(
            (answer.text().as_str(), answer.header("content-type")),
            ("302 Found\n", PLAIN)
        );
    }
}

const PLAIN: Option<&str> = Some("text/plain; charset=utf-8");

#[test]
fn every_redirect_has_a_short_body() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("docs")).unwrap();
    let root = directory.path().display();
    let site = Site::with(
        "",
        &format!(
            "[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\" }}\n\
             [[route]]\npath = \"/gone\"\nredirect = {{ to = \"/<b>\", status = 301 }}"
        ),
    );
    for (target, status, body) in [
        ("/files/docs", 308, "308 Permanent Redirect\n"),
        ("/gone", 301, "301 Moved Permanently\n"),
    ] {
        let mut client = site.client();
        let answer = client.request("GET", target, &[], b"").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (status, body));
        assert!(answer.header("location").is_some() && answer.header("content-type") == PLAIN);
        let head = client.request("HEAD", target, &[], b"").unwrap();
        let length = body.len().to_string();
        assert_eq!(
            (head.status, head.header("content-length")),
            (status, Some(&*length))
        );
        let fields = [GET[0], GET[1], (":path", target), GET[3]];
        assert_eq!(
            site.http2().ask(&fields, b""),
            Outcome::Answer(status, body.to_owned())
        );
    }
}

#[test]
fn fields_of_a_route_may_have_variables() {
    let tables = "[[route]]\npath = \"/variables\"\nrespond = { body = \"x\" }\n\
                  headers = { X-Host = \"<$host>\", X-Echo = \"$http_x_echo\", X-Price = \"5$$\" }\n";
    let site = Site::with("", tables);
    let ask = |fields: &[(&str, &str)]| site.request("GET", "/variables", fields, b"");
    let answer = ask(&[("Host", "A.example:80"), ("X-Echo", "a b")]);
    assert_eq!(answer.header("x-host"), Some("<a.example>"));
    assert_eq!(answer.header("x-echo"), Some("a b"));
    assert_eq!(answer.header("x-price"), Some("5$"));
    assert_eq!(
        ask(&[("Host", "a.example")]).header("x-echo"),
        None,
        "no value, no field"
    );
}
