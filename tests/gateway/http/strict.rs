//! What is not exactly a request is refused, and everybody learns why: the client a reason and a short page, the operator
//! one line with the method and the target as far as they were read, and with the rule and the field at `debug`.

use super::site::Site;

/// Behind every refused request; never answered.
const BEHIND: &str = "GET /behind HTTP/1.1\r\nHost: a.example\r\n\r\n";

const DEBUG: &str = "[log]\naccess = \"{dir}/access.log\"\naccess_format = \"json\"\nerror = \"{dir}/error.log\"\nlevel = \"debug\"";

/// A refused request: its bytes, the answer's status and reason, the rule, and what the log has of it.
struct Refused<'a> {
    bytes: &'a [u8],
    status: u16,
    reason: &'a str,
    /// Rule and field in the error log.
    rule: &'a str,
    method: &'a str,
    target: &'a str,
}

#[track_caller]
fn check(all: &[Refused<'_>]) {
    let site = Site::with("head_size = \"8KiB\"\nhead_fields = 20", DEBUG);
    for (place, refused) in all.iter().enumerate() {
        let shown = String::from_utf8_lossy(refused.bytes);
        let answer = site.only([refused.bytes, BEHIND.as_bytes()].concat());
        let reason = answer.header("bridgehead-error");
        assert_eq!(
            (answer.status, reason),
            (refused.status, Some(refused.reason)),
            "{shown:?}"
        );
        assert_eq!(answer.header("connection"), Some("close"), "{shown:?}");
        assert!(
            answer.text().contains(refused.reason) && answer.body.len() < 200,
            "{answer:?}"
        );
        let line = &site.log(place + 1)[place];
        let logged = (&line["status"], &line["reason"], &line["method"], &line["target"]);
        let expected = (
            &refused.status.into(),
            &refused.reason.into(),
            &refused.method.into(),
            &refused.target.into(),
        );
        assert_eq!(logged, expected, "{shown:?}");
        let rule = line["rule"].as_str().unwrap_or_default();
        assert!(rule.contains(refused.rule), "{shown:?}: {line}");
        let id = line["id"].as_str().unwrap();
        let errors = site.gateway.wait_errors(id).unwrap();
        let told = errors.lines().find(|line| line.contains(id)).unwrap();
        assert!(told.contains(refused.rule), "{shown:?}: {told}");
    }
    assert_eq!(site.targets(), Vec::<String>::new());
}

/// Lines behind the `Host` of a request: what they are, status, reason, rule.
#[track_caller]
fn lines(cases: &[(&str, u16, &str, &str)]) {
    let bytes: Vec<_> = cases
        .iter()
        .map(|(lines, ..)| format!("GET /page?x HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n"))
        .collect();
    let all: Vec<_> = bytes
        .iter()
        .zip(cases)
        .map(|(bytes, (_, status, reason, rule))| Refused {
            bytes: bytes.as_bytes(),
            status: *status,
            reason,
            rule,
            method: "GET",
            target: "/page?x",
        })
        .collect();
    check(&all);
}

#[test]
fn lines_that_are_no_fields_say_which_rule_they_break() {
    let long = format!("A: {}\r\n", "x".repeat(9000));
    let many = "A: 1\r\n".repeat(20);
    let name = format!("{}(: 1\r\n", "n".repeat(100));
    let cases = [
        ("A: 1\nB: 2\r\n", 400, "bad_request", "a line ends with LF alone"),
        ("A: 1\rB: 2\r\n", 400, "bad_request", "CR without LF: A"),
        ("A: 1\r\r\n", 400, "bad_request", "CR without LF: A"),
        ("A: 1\0\r\n", 400, "bad_request", "control byte in a line: A"),
        ("A: \x07\r\n", 400, "bad_request", "control byte in a line: A"),
        ("A: \x7f\r\n", 400, "bad_request", "control byte in a line: A"),
        ("A: 1\r\n folded\r\n", 400, "bad_field", "folded"),
        ("A: 1\r\n\tfolded: 1\r\n", 400, "bad_field", "folded"),
        (
            "A : 1\r\n",
            400,
            "bad_field",
            "blank before the colon of a field: A",
        ),
        (
            "A\t: 1\r\n",
            400,
            "bad_field",
            "blank before the colon of a field: A",
        ),
        ("A B: 1\r\n", 400, "bad_field", "field name is no token: A B"),
        ("A(: 1\r\n", 400, "bad_field", "field name is no token: A("),
        (&*name, 400, "bad_field", "nnnn"),
        (
            "no colon\r\n",
            400,
            "bad_field",
            "field line without a colon: no colon",
        ),
        (": 1\r\n", 400, "bad_field", "field name is no token"),
        ("Host: b.example\r\n", 400, "bad_field", "is given twice: Host"),
        (
            "Content-Type: a/b\r\nContent-Type: a/b\r\n",
            400,
            "bad_field",
            "twice: Content-Type",
        ),
        (
            "Authorization: a\r\nauthorization: a\r\n",
            400,
            "bad_field",
            "twice: Authorization",
        ),
        ("Referer: /\r\nReferer: /\r\n", 400, "bad_field", "twice: Referer"),
        (
            "User-Agent: a\r\nUser-Agent: b\r\n",
            400,
            "bad_field",
            "twice: User-Agent",
        ),
        (
            "If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n",
            400,
            "bad_field",
            "twice: If-None-Match",
        ),
        (
            "If-Modified-Since: x\r\nX: 1\r\nIf-Modified-Since: x\r\n",
            400,
            "bad_field",
            "twice: If-Modified-Since",
        ),
        ("Range: a\r\nRange: b\r\n", 400, "bad_field", "twice: Range"),
        ("Origin: a\r\nOrigin: a\r\n", 400, "bad_field", "twice: Origin"),
        ("From: a\r\nX: 1\r\nfrom: a\r\n", 400, "bad_field", "twice: From"),
        ("Date: a\r\nDate: a\r\n", 400, "bad_field", "twice: Date"),
        (
            "Max-Forwards: 1\r\nMax-Forwards: 2\r\n",
            400,
            "bad_field",
            "twice: Max-Forwards",
        ),
        (
            "Content-Range: a\r\nContent-Range: b\r\n",
            400,
            "bad_field",
            "twice: Content-Range",
        ),
        (
            "Proxy-Authorization: a\r\nProxy-Authorization: b\r\n",
            400,
            "bad_field",
            "twice: Proxy-Authorization",
        ),
        (
            "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: b\r\n",
            400,
            "bad_field",
            "twice: Sec-WebSocket-Key",
        ),
        (&*long, 431, "head_too_large", "more bytes than `head_size`"),
        (&*many, 431, "head_too_large", "more fields than `head_fields`"),
    ];
    lines(&cases);
}

#[test]
fn framing_that_could_be_read_in_two_ways_says_which() {
    let cases = [
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            400,
            "bad_framing",
            "Content-Length beside Transfer-Encoding: Transfer-Encoding",
        ),
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            400,
            "bad_field",
            "twice: Content-Length",
        ),
        (
            "Content-Length: 5, 5\r\n",
            400,
            "bad_framing",
            "no number in digits",
        ),
        ("Content-Length: +5\r\n", 400, "bad_framing", "Content-Length"),
        ("Content-Length: 0x5\r\n", 400, "bad_framing", "Content-Length"),
        ("Content-Length:\r\n", 400, "bad_framing", "Content-Length"),
        (
            "Content-Length: 18446744073709551616\r\n",
            400,
            "bad_framing",
            "Content-Length",
        ),
        (
            "Transfer-Encoding: gzip\r\n",
            501,
            "transfer_encoding",
            "transfer coding other than one chunked",
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            501,
            "transfer_encoding",
            "Transfer-Encoding",
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            501,
            "transfer_encoding",
            "Transfer-Encoding",
        ),
        (
            "Transfer-Encoding: identity\r\n",
            501,
            "transfer_encoding",
            "Transfer-Encoding",
        ),
    ];
    lines(&cases);
    check(&[Refused {
        bytes: b"POST /old HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        status: 400,
        reason: "bad_framing",
        rule: "Transfer-Encoding in HTTP/1.0",
        method: "POST",
        target: "/old",
    }]);
}

#[test]
fn request_lines_and_other_protocols_have_their_reasons() {
    let refused = |bytes, status, reason, rule, method, target| Refused {
        bytes,
        status,
        reason,
        rule,
        method,
        target,
    };
    check(&[
        refused(
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            400,
            "tls_on_clear_port",
            "TLS",
            "-",
            "*",
        ),
        refused(
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            400,
            "unexpected_proxy_line",
            "PROXY line on a listener that expects none",
            "PROXY",
            "TCP4",
        ),
        refused(
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
            400,
            "unexpected_proxy_line",
            "PROXY line",
            "-",
            "*",
        ),
        refused(
            b"GET /a#b HTTP/1.1\r\n\r\n",
            400,
            "bad_target",
            "byte that no target has",
            "GET",
            "/a#b",
        ),
        refused(
            b"GET a.example HTTP/1.1\r\n\r\n",
            400,
            "bad_target",
            "no form",
            "GET",
            "a.example",
        ),
        refused(
            b"GET * HTTP/1.1\r\n\r\n",
            400,
            "bad_target",
            "no form",
            "GET",
            "*",
        ),
        refused(
            b"GET ftp://a/ HTTP/1.1\r\n\r\n",
            400,
            "bad_target",
            "no form",
            "GET",
            "ftp://a/",
        ),
        refused(
            b"GET /a\rb HTTP/1.1\r\n\r\n",
            400,
            "bad_request",
            "CR without LF",
            "GET",
            "/a",
        ),
        refused(
            b"GET /a HTTP/1.1\n\n",
            400,
            "bad_request",
            "LF alone",
            "GET",
            "/a",
        ),
        refused(
            b"GET /a b HTTP/1.1\r\n\r\n",
            400,
            "bad_request",
            "request line is not",
            "GET",
            "/a",
        ),
        refused(
            b"GET  /a HTTP/1.1\r\n\r\n",
            400,
            "bad_request",
            "request line is not",
            "GET",
            "*",
        ),
        refused(
            b"GET /a\r\n\r\n",
            400,
            "bad_request",
            "request line is not",
            "GET",
            "/a",
        ),
        refused(
            b"GET /a HTTP/1.1 \r\n\r\n",
            400,
            "bad_request",
            "request line is not",
            "GET",
            "/a",
        ),
        refused(
            b"G(T /a HTTP/1.1\r\n\r\n",
            400,
            "bad_request",
            "method is no token",
            "-",
            "/a",
        ),
        refused(
            b"GET /a HTTP/3.0\r\n\r\n",
            505,
            "bad_request",
            "neither HTTP/1.1 nor HTTP/1.0",
            "GET",
            "/a",
        ),
    ]);
}

#[test]
fn a_host_that_is_none_is_refused() {
    let hosts = [
        "",
        "Host: user@a.example\r\n",
        "Host: @a.example\r\n",
        "Host: user:word@a.example\r\n",
        "Host: [::1]x:80\r\n",
        "Host: [::1]evil.com:98\r\n",
        "Host: ..a.example\r\n",
        "Host: [::1].:80\r\n",
        "Host: [::1]80\r\n",
        "Host: [::1%25eth0]\r\n",
        "Host: a..example\r\n",
        "Host: .a.example\r\n",
        "Host: a.example..\r\n",
        "Host: .\r\n",
        "Host: :80\r\n",
        "Host: a.example:99999\r\n",
        "Host: a.example:+80\r\n",
    ];
    let bytes: Vec<_> = hosts
        .iter()
        .map(|host| format!("GET /page HTTP/1.1\r\n{host}\r\n").into_bytes())
        .collect();
    let all: Vec<_> = bytes
        .iter()
        .map(|bytes| Refused {
            bytes,
            status: 400,
            reason: "bad_host",
            rule: "missing, repeated or malformed Host",
            method: "GET",
            target: "/page",
        })
        .collect();
    check(&all);
}

#[test]
fn chunk_lines_follow_their_grammar() {
    let site = Site::with("", DEBUG);
    let post = |target: &str, body: &str| {
        format!("POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}{BEHIND}")
    };
    let bodies = [
        ("5 \r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5\t\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5; \r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;;a\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;a;\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;a=\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;=b\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;a b\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;a=\"b\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;a=\"b\"c\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;a\x01\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;a=\"\0\"\r\nabcde\r\n0\r\n\r\n", "malformed chunk extension"),
        ("5;a\rb\r\nabcde\r\n0\r\n\r\n", "does not end with CR LF"),
        ("5;a\nabcde\r\n0\r\n\r\n", "does not end with CR LF"),
        ("5\nabcde\r\n0\r\n\r\n", "does not end with CR LF"),
        ("0\r\n\n", "does not end with CR LF"),
        ("5\r\nabcde\n0\r\n\r\n", "chunk data is longer than its size"),
        ("5\r\nabcdef\r\n0\r\n\r\n", "chunk data is longer than its size"),
        ("x\r\nabcde\r\n0\r\n\r\n", "not in hexadecimal digits"),
        ("-5\r\nabcde\r\n0\r\n\r\n", "not in hexadecimal digits"),
        ("0x5\r\nabcde\r\n0\r\n\r\n", "not in hexadecimal digits"),
        (
            "10000000000000000\r\nabcde\r\n0\r\n\r\n",
            "not in hexadecimal digits",
        ),
        ("0\r\nno colon\r\n\r\n", "malformed trailer"),
        ("0\r\na b: 1\r\n\r\n", "malformed trailer"),
        ("0\r\n a: 1\r\n\r\n", "malformed trailer"),
        ("0\r\na: \0\r\n\r\n", "malformed trailer"),
    ];
    for (place, (body, rule)) in bodies.into_iter().enumerate() {
        let answer = site.only(post(&format!("/{place}"), body));
        assert_eq!(
            (answer.status, answer.header("bridgehead-error")),
            (400, Some("bad_body")),
            "{body:?}"
        );
        let line = &site.log(place + 1)[place];
        let logged = (&line["status"], &line["reason"], &line["target"]);
        assert_eq!(
            logged,
            (&400.into(), &"bad_body".into(), &format!("/{place}").into())
        );
        site.gateway.wait_errors(rule).unwrap();
        let told = line["rule"].as_str().unwrap_or_default();
        assert!(
            told.starts_with("malformed framing of the body: ") && told.contains(rule),
            "{line}"
        );
    }
    assert_eq!(site.targets(), Vec::<String>::new());
}

#[test]
fn blanks_around_extensions_are_read_and_not_passed_on() {
    let site = Site::speaking("http", "", "", |mut connection| {
        let request = connection.read_http()?;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}",
            request.body.len() % 10
        );
        connection.write(answer)
    });
    for target in ["/held", "/streamed"] {
        let mut client = site.client();
        client
            .send(format!(
                "POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5 ; a = b\t;c=\"d;e\"\r\nabcde\r\n00;f\r\nTrailer-Field: 1\r\n\r\n"
            ))
            .unwrap();
        assert_eq!(client.read_response().unwrap().text(), "5");
    }
    assert!(
        site.backend
            .requests()
            .iter()
            .all(|request| request.body == b"abcde")
    );
}

#[test]
fn a_request_behind_a_refused_one_in_another_segment_is_not_answered() {
    let site = Site::new();
    let mut client = site.client();
    client.send("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.read_response().unwrap().status, 400);
    let _ = client.send(BEHIND);
    assert_eq!(client.rest().unwrap(), b"");
    assert_eq!(site.targets(), Vec::<String>::new());
}

#[test]
fn nothing_behind_a_request_that_closes_is_answered() {
    let site = Site::new();
    for target in ["/first", "/fixed"] {
        let last = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answers = site.closing(format!("{last}{BEHIND}"));
        assert_eq!(answers.len(), 1, "{target}");
        let with_body = last.replacen("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody", 1);
        assert_eq!(site.closing(format!("{with_body}{BEHIND}")).len(), 1, "{target}");
        // HTTP/1.0, which closes without saying so.
        let old = format!("GET {target} HTTP/1.0\r\n\r\n");
        assert_eq!(site.closing(format!("{old}{BEHIND}")).len(), 1, "{target}");
    }
    assert!(site.targets().iter().all(|target| target == "/first"));
}
