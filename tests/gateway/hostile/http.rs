//! HTTP backends: what the gateway lets through, and what it must not.

use super::{Case, Expect, Protocol, Step, case, cut, full, play, send};

const HTTP: Protocol = Protocol {
    name: "http",
    read: |connection| connection.read_http(),
    path: |request| request.line.split(' ').nth(1).unwrap_or_default().to_owned(),
    good: || b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ninnocent".to_vec(),
};

#[test]
fn rows_on_a_connection_for_each_request() {
    play(HTTP, false, rows());
}

#[test]
fn rows_on_a_kept_connection() {
    play(HTTP, true, rows());
}

fn rows() -> Vec<Case> {
    [heads(), bodies(), timing()].concat()
}

const FIVE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn eof(text: impl AsRef<[u8]>) -> Vec<Step> {
    vec![send(text), Step::Close]
}

fn apart(pieces: &[&str]) -> Vec<Step> {
    pieces
        .iter()
        .flat_map(|piece| [send(piece), Step::Pause(15)])
        .collect()
}

fn bad_head() -> Expect {
    Expect::Error(502, "bad_response_head")
}

/// What came before it has been sent already.
fn broken(body: &str) -> Expect {
    Expect::Cut(body.as_bytes().to_vec(), "bad_response")
}

/// The same, in the first bytes of the answer: the client has seen nothing yet.
fn bad() -> Expect {
    Expect::Error(502, "bad_response")
}

fn closed() -> Expect {
    Expect::Error(502, "backend_closed")
}

fn heads() -> Vec<Case> {
    let mut rows = Vec::new();
    for (id, text) in BAD_HEADS {
        rows.push(case(*id, eof(format!("{text}hello")), bad_head()));
        rows.push(case(
            format!("{id}-drip"),
            vec![Step::Drip(text.as_bytes().to_vec()), Step::Close],
            bad_head(),
        ));
    }
    for (id, text, status) in GOOD_HEADS {
        let expect = || Expect::Full(*status, b"hello".to_vec());
        let text = format!("{text}hello");
        rows.push(case(*id, eof(&text), expect()));
        rows.push(case(
            format!("{id}-drip"),
            vec![Step::Drip(text.into_bytes()), Step::Close],
            expect(),
        ));
    }
    for row in &mut rows {
        let fields = FIELDS
            .iter()
            .filter(|(id, ..)| row.id.strip_suffix("-drip").unwrap_or(&row.id) == *id);
        row.fields = fields.map(|(_, name, value)| (*name, *value)).collect();
    }
    for size in [3, 20, 60, 200] {
        let text = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Big: {}\r\n\r\nhello",
            "v".repeat(size * 1000)
        );
        let expect = if size < 64 { full("hello") } else { bad_head() };
        rows.push(case(format!("head-{size}kB"), eof(text), expect));
    }
    for (count, expect) in [(190, full("hello")), (500, bad_head())] {
        let fields: String = (0..count).map(|n| format!("X-{n}: v\r\n")).collect();
        rows.push(case(
            format!("{count}-fields"),
            eof(format!("HTTP/1.1 200 OK\r\n{fields}\r\nhello")),
            expect,
        ));
    }
    rows
}

const BAD_HEADS: &[(&str, &str)] = &[
    ("zzz", "zzz\r\n\r\n"),
    ("fields-only", "Content-Type: text/plain\r\n\r\n"),
    ("status-abc", "HTTP/1.1 abc OK\r\n\r\n"),
    ("status-1000", "HTTP/1.1 1000 OK\r\n\r\n"),
    ("status-99", "HTTP/1.1 99 OK\r\n\r\n"),
    ("status-000", "HTTP/1.1 000 OK\r\n\r\n"),
    ("version", "HTTP/2.0 200 OK\r\n\r\n"),
    ("no-minor", "HTTP/1 200 OK\r\n\r\n"),
    ("empty-line-first", "\r\nHTTP/1.1 200 OK\r\n\r\n"),
    (
        "types-differ",
        "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n",
    ),
    (
        "lengths-differ",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\n",
    ),
    ("length-list", "HTTP/1.1 200 OK\r\nContent-Length: 5, 3\r\n\r\n"),
    ("length-minus", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
    ("length-plus", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n"),
    ("length-5abc", "HTTP/1.1 200 OK\r\nContent-Length: 5abc\r\n\r\n"),
    (
        "length-huge",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ),
    (
        "coding-gzip",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    ),
    (
        "coding-gzip-chunked",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    ),
    (
        "coding-chunked-twice",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    (
        "coding-xchunked",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
    ),
    ("folded", "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n"),
    ("no-colon", "HTTP/1.1 200 OK\r\ngarbage\r\n\r\n"),
    ("space-before-colon", "HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\n"),
    ("bare-cr", "HTTP/1.1 200 OK\r\nX-A: 1\r2\r\n\r\n"),
    ("nul", "HTTP/1.1 200 OK\r\nX-A: 1\x002\r\n\r\n"),
];

const GOOD_HEADS: &[(&str, &str, u16)] = &[
    ("plain", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200),
    ("old", "HTTP/1.0 200 OK\r\n\r\n", 200),
    ("no-reason", "HTTP/1.1 404\r\n\r\n", 404),
    ("odd-reason", "HTTP/1.1 499 Odd Thing\r\n\r\n", 499),
    ("odd-status", "HTTP/1.1 999 Odd\r\nStatus: 200\r\n\r\n", 999),
    ("line-feeds", "HTTP/1.1 200 OK\nX-A: 1\n\n", 200),
    (
        "interim-100",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        200,
    ),
    (
        "interim-103",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n",
        200,
    ),
    (
        "lengths-equal",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        200,
    ),
    (
        "lengths-equal-list",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        200,
    ),
    (
        "coding-identity",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n",
        200,
    ),
    (
        "hop-by-hop",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Secret\r\nX-Secret: s\r\nKeep-Alive: 5\r\nTrailer: X-T\r\nContent-Length: 5\r\n\r\n",
        200,
    ),
    (
        "cookies",
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
        200,
    ),
];

const FIELDS: &[(&str, &str, Option<&str>)] = &[
    ("odd-status", "status", Some("200")),
    ("interim-103", "link", None),
    ("interim-103", "x-a", Some("1")),
    ("lengths-equal", "content-length", Some("5")),
    ("lengths-equal-list", "content-length", Some("5")),
    ("coding-identity", "transfer-encoding", None),
    ("line-feeds", "x-a", Some("1")),
    ("hop-by-hop", "connection", None),
    ("hop-by-hop", "keep-alive", None),
    ("hop-by-hop", "trailer", None),
    ("hop-by-hop", "x-secret", None),
    ("cookies", "set-cookie", Some("a=1 | b=2")),
];

fn bodies() -> Vec<Case> {
    let fifty = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    let whole = format!("{FIVE}hello");
    let stolen = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen";
    let chunks = format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n");
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let none = |text: &str| Expect::Full(text.parse().unwrap(), vec![]);
    vec![
        case("chunks", vec![send(&chunks)], full("hello")),
        case(
            "chunks-drip",
            vec![Step::Drip(chunks.clone().into_bytes())],
            full("hello"),
        ),
        case(
            "chunk-extension",
            vec![send(format!("{CHUNKED}5;a=b\r\nhello\r\n0\r\n\r\n"))],
            full("hello"),
        ),
        case(
            "trailers",
            vec![send(format!(
                "{CHUNKED}5\r\nhello\r\n0\r\nX-T: 1\r\nContent-Length: 3\r\n\r\n"
            ))],
            full("hello"),
        )
        .without("x-t"),
        case("both", eof(both), bad_head()),
        case(
            "coding-old",
            eof("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            bad_head(),
        ),
        case("eof", eof("HTTP/1.1 200 OK\r\n\r\nhello"), full("hello")),
        case(
            "eof-apart",
            [apart(&["HTTP/1.1 200 OK\r\n\r\n", "hello"]), vec![Step::Close]].concat(),
            full("hello"),
        ),
        case(
            "switch",
            eof("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello"),
            Expect::Error(502, "bad_response"),
        ),
        case("nothing", vec![Step::Close], closed()),
        case("half-head", eof("HTTP/1.1 200 OK\r\nX-"), closed()),
        case("truncated", eof(fifty), cut("hello")),
        case(
            "truncated-apart",
            [apart(&[fifty]), vec![Step::Close]].concat(),
            cut("hello"),
        ),
        case("truncated-old", eof(fifty), cut("hello")).old(),
        case("chunk-truncated", eof(format!("{CHUNKED}5\r\nhel")), cut("hel")),
        case(
            "chunk-truncated-old",
            eof(format!("{CHUNKED}5\r\nhel")),
            cut("hel"),
        )
        .old(),
        case(
            "chunk-size-truncated",
            eof(format!("{CHUNKED}5\r\nhello\r\n")),
            cut("hello"),
        ),
        case(
            "last-chunk-truncated",
            eof(format!("{CHUNKED}5\r\nhello\r\n0\r\n")),
            cut("hello"),
        ),
        case(
            "chunk-size-bad",
            eof(format!("{CHUNKED}5\r\nhello\r\nxyz\r\n")),
            bad(),
        ),
        case(
            "chunk-size-bad-apart",
            [apart(&[CHUNKED, "5\r\nhello\r\n", "xyz\r\n"]), vec![Step::Close]].concat(),
            broken("hello"),
        ),
        case(
            "chunk-size-huge",
            eof(format!("{CHUNKED}5\r\nhello\r\nfffffffffffffffff\r\n")),
            bad(),
        ),
        case(
            "chunk-end-bad",
            eof(format!("{CHUNKED}5\r\nhelloXX0\r\n\r\n")),
            bad(),
        ),
        case(
            "chunk-end-bad-apart",
            [apart(&[CHUNKED, "5\r\nhello", "XX0\r\n\r\n"]), vec![Step::Close]].concat(),
            broken("hello"),
        ),
        case(
            "chunk-size-blank",
            eof(format!("{CHUNKED}5 \r\nhello\r\n0\r\n\r\n")),
            bad(),
        ),
        case("chunk-line-feed", eof(format!("{CHUNKED}5\nhello\n0\n\n")), bad()),
        case(
            "surplus",
            vec![send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello")],
            full("hel"),
        ),
        case(
            "second-response",
            vec![send(format!("{whole}{stolen}"))],
            full("hello"),
        ),
        case("second-response-late", apart(&[&whole, stolen]), full("hello")),
        case(
            "after-chunks",
            vec![send(format!("{chunks}{stolen}"))],
            full("hello"),
        ),
        case(
            "204-body",
            vec![send("HTTP/1.1 204 No Content\r\n\r\nhello")],
            none("204"),
        )
        .without("content-length"),
        case(
            "204-length",
            vec![send("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")],
            none("204"),
        )
        .without("content-length"),
        case(
            "304-body",
            vec![send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\nhello")],
            none("304"),
        )
        .field("etag", "\"a\""),
        case("HEAD", vec![send(FIVE)], full(""))
            .method("HEAD")
            .field("content-length", "5"),
        case("HEAD-body", vec![send(&whole)], full(""))
            .method("HEAD")
            .field("content-length", "5"),
        case("HEAD-body-late", apart(&[FIVE, "hello"]), full("")).method("HEAD"),
        case(
            "close",
            vec![send(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
            )],
            full("hello"),
        ),
        case("held-open", vec![send(&whole), Step::Pause(1000)], full("hello")).within(700),
        case(
            "early-answer",
            vec![send(&whole), Step::Pause(500)],
            full("hello"),
        )
        .part(),
        case("early-answer-close", eof(&whole), full("hello")).part(),
        case("early-chunks-close", eof(&chunks), full("hello")).part(),
        case("reset-inside", eof(fifty), cut("hello")).part(),
        case("reset-in-head", eof("HTTP/1.1 200"), closed()).part(),
        case("reset-at-once", vec![Step::Close], closed()).part(),
    ]
}

fn timing() -> Vec<Case> {
    let stalled = || Expect::Cut(b"hello".to_vec(), "read_timeout");
    let late = || Expect::Error(504, "head_timeout");
    vec![
        case("never", vec![Step::Hold], late()).hasty(),
        case(
            "drip",
            vec![send("HTTP/1.1 200 OK\r\n"), Step::Trickle(b"X".to_vec(), 50)],
            late(),
        )
        .hasty(),
        case(
            "interim-for-ever",
            vec![Step::Trickle(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), 20)],
            late(),
        )
        .hasty(),
        case(
            "interim-flood",
            vec![Step::Flood(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())],
            bad_head(),
        ),
        case(
            "hints-for-ever",
            vec![Step::Trickle(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), 20)],
            late(),
        )
        .hasty(),
        case(
            "endless-head",
            vec![send("HTTP/1.1 200 OK\r\n"), Step::Flood(b"X-A: 1\r\n".to_vec())],
            bad_head(),
        ),
        case(
            "read-timeout",
            vec![send("HTTP/1.1 200 OK\r\n\r\nhello"), Step::Hold],
            stalled(),
        )
        .hasty(),
        case(
            "read-timeout-chunked",
            vec![send(format!("{CHUNKED}5\r\nhello\r\n")), Step::Hold],
            stalled(),
        )
        .hasty(),
        case(
            "read-timeout-length",
            vec![
                send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"),
                Step::Hold,
            ],
            stalled(),
        )
        .hasty(),
    ]
}
