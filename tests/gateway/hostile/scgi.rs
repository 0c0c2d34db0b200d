//! SCGI: the rows of FastCGI and uwsgi that concern a CGI head with nothing around it.

use super::{Case, Expect, Protocol, Step, case, cut, full, play, send};

const SCGI: Protocol = Protocol {
    name: "scgi",
    read: |connection| connection.read_scgi(),
    path: |request| request.param("REQUEST_URI").unwrap_or_default().to_owned(),
    good: || b"Status: 200 OK\r\n\r\ninnocent".to_vec(),
};

#[test]
fn rows() {
    play(SCGI, false, cases());
}

fn eof(text: impl AsRef<[u8]>) -> Vec<Step> {
    vec![send(text), Step::Close]
}

fn cases() -> Vec<Case> {
    let bad_head = || Expect::Error(502, "bad_response_head");
    let closed = || Expect::Error(502, "backend_closed");
    let late = || Expect::Error(504, "head_timeout");
    let fifty = "Status: 200\r\nContent-Length: 50\r\n\r\nhello";
    let drip = |text: &str| vec![Step::Drip(text.as_bytes().to_vec()), Step::Close];
    vec![
        case("plain", eof("Content-Type: a/b\r\n\r\nhello"), full("hello")).field("content-type", "a/b"),
        case(
            "plain-drip",
            drip("Content-Type: a/b\r\n\r\nhello"),
            full("hello"),
        ),
        case(
            "status",
            eof("Status: 404 Not Found\n\nhello"),
            Expect::Full(404, b"hello".to_vec()),
        )
        .without("status"),
        case(
            "odd-status",
            eof("Status: 999 Odd\r\n\r\nhello"),
            Expect::Full(999, b"hello".to_vec()),
        ),
        case("location", eof("Location: /a\r\n\r\n"), Expect::Full(302, vec![])),
        case("nothing", vec![Step::Close], closed()),
        case("half-head", eof("Status: 2"), closed()),
        case("no-head", eof("hello\r\n\r\n"), bad_head()),
        case("http", eof("HTTP/1.1 200 OK\r\n\r\nhello"), bad_head()),
        case("interim", eof("Status: 103\r\n\r\nhello"), bad_head()),
        case(
            "two-lengths",
            eof("Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello"),
            bad_head(),
        ),
        case(
            "chunked",
            eof("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            full("hello"),
        ),
        case(
            "chunked-truncated",
            eof("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            cut("hello"),
        ),
        case("coded", eof("Transfer-Encoding: gzip\r\n\r\nhello"), bad_head()),
        case(
            "equal-lengths",
            eof("Content-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello"),
            full("hello"),
        )
        .field("content-length", "5"),
        case("truncated", eof(fifty), cut("hello")),
        case("truncated-old", eof(fifty), cut("hello")).old(),
        case("surplus", eof("Content-Length: 3\r\n\r\nhello"), full("hel")),
        case(
            "held-open",
            vec![send("Content-Length: 5\r\n\r\nhello"), Step::Hold],
            full("hello"),
        )
        .hasty(),
        case("reset-inside", eof(fifty), cut("hello")).part(),
        case(
            "early-answer",
            vec![send("Status: 200\r\n\r\nhello"), Step::Close],
            full("hello"),
        )
        .part(),
        case("never", vec![Step::Hold], late()).hasty(),
        case("drip", vec![Step::Trickle(b"X".to_vec(), 50)], late()).hasty(),
        case(
            "endless-head",
            vec![Step::Flood(b"X-A: 1\r\n".to_vec())],
            bad_head(),
        ),
        case(
            "read-timeout",
            vec![send("Status: 200\r\n\r\nhello"), Step::Hold],
            Expect::Cut(b"hello".to_vec(), "read_timeout"),
        )
        .hasty(),
    ]
}
