//! Error pages of ours: the reason word and the request's name, as HTML for browsers and as text for all others.

use super::frames::{END_STREAM, Outcome};
use super::site::Site;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

/// No application listens behind `/gone`.
fn site() -> Site {
    Site::with(
        "",
        "[upstream.gone]\nprotocol = \"scgi\"\nendpoints = [\"unix:/nonexistent/app.sock\"]\nwarn_unreachable = false\n\
         [[route]]\npath = \"/gone\"\nproxy = { upstream = \"gone\" }",
    )
}

#[test]
fn the_page_has_the_reason_and_the_id_of_the_log() {
    let site = site();
    let forms = [
        ("*/*", "text/plain; charset=utf-8"),
        (BROWSER, "text/html; charset=utf-8"),
    ];
    for (place, (accept, kind)) in forms.into_iter().enumerate() {
        let mut client = site.client();
        let answer = client
            .request("GET", "/gone", &[("Accept", accept)], b"")
            .unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (502, Some(kind)));
        assert_eq!(answer.header("bridgehead-error"), Some("socket_missing"));
        assert_eq!(answer.header("vary"), Some("Accept"));
        let length = answer.text().len().to_string();
        assert_eq!(answer.header("content-length"), Some(&*length));
        let line = &site.log(2 * place + 1)[2 * place];
        for part in ["502 Bad Gateway", "socket_missing", line["id"].as_str().unwrap()] {
            assert!(answer.text().contains(part), "{}", answer.text());
        }
        assert_eq!(answer.text().contains("<h1>"), kind.starts_with("text/html"));

        let head = client
            .request("HEAD", "/gone", &[("Accept", accept)], b"")
            .unwrap();
        assert_eq!(head.header("content-length"), Some(&*length));
        assert_eq!(head.header("content-type"), Some(kind));
        assert!(head.body.is_empty());
        site.log(2 * place + 2);
    }
    assert!(!site.gateway.errors().contains("cannot be reached yet"));
}

#[test]
fn nothing_that_the_client_sent_stands_in_a_page() {
    let site = site();
    let request = |target: &str, host: &str| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: <b>injected\r\nX-Injected: <b>injected\r\n\
             Accept: text/html, injected/<b>\r\nConnection: close\r\n\r\n"
        )
    };
    for (target, host, status) in [
        ("/gone?injected='&x", "a.example", 502),
        ("/gone", "injected", 502),
        ("/%00%3Cb%3Einjected", "a.example", 400),
        ("/first", "<b>injected", 400),
        ("/../injected", "a.example", 404),
    ] {
        let answer = site.only(request(target, host));
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        for part in ["<b>", "injected"] {
            assert!(!answer.text().contains(part), "{}", answer.text());
        }
    }
}

#[test]
fn a_file_refuses_a_method_as_everything_else_does() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.txt"), "a").unwrap();
    let root = directory.path().display();
    let site = Site::with(
        "",
        &format!("[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\" }}"),
    );
    let answer = site.request("POST", "/files/a.txt", &[], b"x");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert!(
        answer.text().contains("Reason: method_not_allowed\n"),
        "{}",
        answer.text()
    );
}

#[test]
fn a_condition_or_a_range_that_a_file_does_not_meet_has_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.txt"), "0123456789").unwrap();
    let root = directory.path().display();
    let site = Site::with(
        "",
        &format!(
            "[[route]]\npath = \"/files\"\nfiles = {{ alias = \"{root}\" }}\n\
             [[route]]\npath = \"/php\"\nphp = {{ upstream = \"app\", root = \"{root}\" }}"
        ),
    );
    std::fs::create_dir(directory.path().join("php")).unwrap();
    std::fs::copy(directory.path().join("a.txt"), directory.path().join("php/a.txt")).unwrap();
    for target in ["/files/a.txt", "/php/a.txt"] {
        for (field, status, reason, range) in [
            (("If-Match", "\"other\""), 412, "precondition_failed", None),
            (
                ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
                412,
                "precondition_failed",
                None,
            ),
            (
                ("Range", "bytes=10-"),
                416,
                "range_not_satisfiable",
                Some("bytes */10"),
            ),
        ] {
            let mut client = site.client();
            let answer = client.request("GET", target, &[field], b"").unwrap();
            let got = (
                answer.status,
                answer.header("bridgehead-error"),
                answer.header("content-range"),
            );
            assert_eq!(got, (status, Some(reason), range), "{target}");
            assert!(answer.header("etag").is_some(), "{answer:?}");
            assert!(
                answer.text().contains(&format!("Reason: {reason}\n")),
                "{answer:?}"
            );
            // It lives on.
            assert_eq!(
                client.request("GET", target, &[], b"").unwrap().text(),
                "0123456789"
            );
        }
    }
    let log = site.log(12);
    let reasons: Vec<_> = log.iter().filter_map(|line| line["reason"].as_str()).collect();
    assert_eq!(reasons.len(), 6, "{log:#?}");
}

#[test]
fn no_method_shows_a_request_to_its_sender() {
    let site = Site::new();
    for target in ["/first", "/fixed", "/nothing/here"] {
        let answer = site.request("TRACE", target, &[("Cookie", "secret")], b"");
        let got = (answer.status, answer.header("bridgehead-error"));
        assert_eq!(got, (405, Some("method_not_allowed")), "{target}");
        assert!(!answer.header("allow").unwrap().contains("TRACE"));
        assert!(!answer.text().contains("secret"), "{answer:?}");
    }
    let fields = [
        (":method", "TRACE"),
        (":scheme", "http"),
        (":path", "/first"),
        (":authority", "a"),
    ];
    assert!(matches!(site.http2().ask(&fields, b""), Outcome::Answer(405, _)));
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn status_444_is_no_answer() {
    let site = Site::with("", "[[route]]\npath = \"/none\"\nrespond = { status = 444 }");
    for (method, body) in [("GET", &b""[..]), ("HEAD", b""), ("POST", b"hello")] {
        let mut client = site.client();
        assert_eq!(
            client.request("GET", "/fixed", &[], b"").unwrap().text(),
            "fixed\n"
        );
        client.send_request(method, "/none", &[], body).unwrap();
        assert_eq!(client.rest().unwrap_or_default(), b"", "{method}");
    }
    let ask = |path| {
        [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "a"),
        ]
    };
    let mut http = site.http2();
    assert_eq!(http.ask(&ask("/none"), b""), Outcome::Reset);
    http.headers(3, &ask("/fixed"), END_STREAM);
    assert_eq!(
        http.outcome(3),
        Outcome::Answer(200, "fixed\n".into()),
        "the others go on"
    );
    let log = site.log(8);
    let none: Vec<_> = log.iter().filter(|line| line["target"] == "/none").collect();
    assert_eq!(none.len(), 4);
    for line in none {
        let told = (&line["status"], &line["response_bytes"], &line["reason"]);
        assert_eq!(told, (&444.into(), &0.into(), &serde_json::Value::Null), "{line}");
    }
}
