//! uwsgi: rows GU-03 to GU-27.

use super::{Case, Expect, Protocol, Step, case, cut, full, play, send};

const UWSGI: Protocol = Protocol {
    name: "uwsgi",
    read: |connection| connection.read_uwsgi(),
    path: |request| request.param("REQUEST_URI").unwrap_or_default().to_owned(),
    good: || b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ninnocent".to_vec(),
};

#[test]
fn rows_on_a_connection_for_each_request() {
    play(UWSGI, false, rows());
}

#[test]
fn rows_on_a_kept_connection() {
    play(UWSGI, true, rows());
}

fn rows() -> Vec<Case> {
    [heads(), bodies(), timing()].concat()
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
const FIVE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// One write, then the end of the stream, as uWSGI does.
fn eof(text: impl AsRef<[u8]>) -> Vec<Step> {
    vec![send(text), Step::Close]
}

/// The head, and what is behind it read alone.
fn apart(pieces: &[&str]) -> Vec<Step> {
    pieces
        .iter()
        .flat_map(|piece| [send(piece), Step::Pause(15)])
        .collect()
}

fn bad_head() -> Expect {
    Expect::Error(502, "bad_response_head")
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
            "HTTP/1.1 200 OK\r\nX-Big: {}\r\n\r\nhello",
            "v".repeat(size * 1000)
        );
        let expect = if size < 64 { full("hello") } else { bad_head() };
        rows.push(case(format!("GU-20-{size}kB"), eof(text), expect));
    }
    rows
}

const BAD_HEADS: &[(&str, &str)] = &[
    ("GU-05", "Content-Type: text/plain\r\n\r\n"),
    ("GU-05-blank", "\r\n\r\n"),
    ("GU-07-abc", "HTTP/1.1 abc OK\r\n\r\n"),
    ("GU-07-1000", "HTTP/1.1 1000 OK\r\n\r\n"),
    ("GU-07-99", "HTTP/1.1 99 OK\r\n\r\n"),
    ("GU-07-version", "HTTP/x 200 OK\r\n\r\n"),
    ("GU-07-tab", "HTTP/1.1\t200 OK\r\n\r\n"),
    ("GU-11-zzz", "zzz\r\n\r\n"),
    (
        "GU-14",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\n",
    ),
    ("GU-14-minus", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
    ("GU-14-list", "HTTP/1.1 200 OK\r\nContent-Length: 5, 3\r\n\r\n"),
    (
        "GU-14-huge",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ),
    ("GU-17-gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
    (
        "GU-17-twice",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    (
        "GU-17-old",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    (
        "GU-17-length",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    ("GU-22", "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n\r\n"),
    ("no-colon", "HTTP/1.1 200 OK\r\ngarbage\r\n\r\n"),
    ("space-before-colon", "HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\n"),
    ("bare-cr", "HTTP/1.1 200 OK\r\nX-A: 1\r2\r\n\r\n"),
    ("nul", "HTTP/1.1 200 OK\r\nX-A: 1\x002\r\n\r\n"),
    ("nul-in-reason", "HTTP/1.1 200 O\x00K\r\n\r\n"),
    ("status-field-twice", "Status: 200\r\nStatus: 404\r\n\r\n"),
];

const GOOD_HEADS: &[(&str, &str, u16)] = &[
    ("GU-03-11", "HTTP/1.1 200 OK\r\n\r\n", 200),
    ("GU-03-10", "HTTP/1.0 200 OK\r\n\r\n", 200),
    ("GU-03-20", "HTTP/2.0 200 OK\r\n\r\n", 200),
    ("GU-04", "Status: 404 Not Found\r\n\r\n", 404),
    ("GU-06", "HTTP/1.1 404\r\n\r\n", 404),
    ("GU-06-space", "HTTP/1.1 404 \r\n\r\n", 404),
    ("GU-07-600", "HTTP/1.1 600 OK\r\n\r\n", 600),
    ("GU-07-999", "HTTP/1.1 999 Odd\r\n\r\n", 999),
    (
        "GU-08",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        200,
    ),
    (
        "GU-09",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n",
        200,
    ),
    (
        "GU-14-equal",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        200,
    ),
    (
        "GU-14-list-equal",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        200,
    ),
    (
        "GU-17-identity",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        200,
    ),
    ("GU-19", "HTTP/1.1 200 OK\nX-A: 1\n\n", 200),
    (
        "GU-23",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Secret\r\nX-Secret: s\r\nKeep-Alive: 5\r\nContent-Length: 5\r\n\r\n",
        200,
    ),
    ("GU-24", "HTTP/1.1 201 Created\r\nStatus: 404\r\n\r\n", 201),
    (
        "GU-25",
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-Injected: yes\r\n\r\n",
        200,
    ),
    (
        "cookies",
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
        200,
    ),
];

const FIELDS: &[(&str, &str, Option<&str>)] = &[
    ("GU-04", "status", None),
    ("GU-09", "link", None),
    ("GU-09", "x-a", Some("1")),
    ("GU-14-equal", "content-length", Some("5")),
    ("GU-14-list-equal", "content-length", Some("5")),
    ("GU-19", "x-a", Some("1")),
    ("GU-23", "connection", None),
    ("GU-23", "keep-alive", None),
    ("GU-23", "x-secret", None),
    ("GU-24", "status", None),
    ("cookies", "set-cookie", Some("a=1 | b=2")),
];

fn bodies() -> Vec<Case> {
    let fifty = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    let three = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello";
    let whole = format!("{FIVE}hello");
    let chunks = format!("{CHUNKED}2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX-T: t\r\n\r\n");
    let no_content = "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello";
    vec![
        case(
            "GU-10",
            eof("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello"),
            Expect::Error(502, "bad_response"),
        ),
        case("GU-11-nothing", vec![Step::Close], closed()),
        case("GU-11-head", eof("HTTP/1.1 200 OK\r\nX-"), closed()),
        case("GU-11-packet", eof([0, 1, 0, 0]), closed()),
        case("GU-11-zzz-no-end", eof("zzz"), closed()),
        case("GU-12", eof(fifty), cut("hello")),
        case(
            "GU-12-apart",
            [apart(&[fifty]), vec![Step::Close]].concat(),
            cut("hello"),
        ),
        case("GU-12-old", eof(fifty), cut("hello")).old(),
        case("GU-13", eof(three), full("hel")),
        case("GU-13-open", vec![send(three)], full("hel")),
        case(
            "GU-13-late",
            apart(&["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhel", "lo"]),
            full("hel"),
        ),
        case("GU-15", vec![send(&whole), Step::Pause(1000)], full("hello")).within(700),
        case(
            "GU-15-apart",
            [apart(&[FIVE, "hel", "lo"]), vec![Step::Pause(1000)]].concat(),
            full("hello"),
        )
        .within(700),
        case(
            "GU-16",
            vec![send(format!(
                "{whole}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"
            ))],
            full("hello"),
        ),
        case(
            "GU-16-late",
            apart(&[&whole, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"]),
            full("hello"),
        ),
        case("GU-17", eof(&chunks), full("hello")),
        case(
            "GU-17-drip",
            vec![Step::Drip(chunks.clone().into_bytes())],
            full("hello"),
        ),
        case(
            "GU-17-open",
            vec![send(&chunks), Step::Pause(1000)],
            full("hello"),
        )
        .within(700),
        case("GU-17-behind", eof(format!("{chunks}{whole}")), full("hello")),
        case("GU-17-cut", eof(format!("{CHUNKED}5\r\nhel")), cut("hel")),
        case(
            "GU-17-none",
            eof(format!("{CHUNKED}hello")),
            Expect::Error(502, "bad_response"),
        ),
        case("GU-18-204", eof(no_content), Expect::Full(204, vec![])).without("content-length"),
        case(
            "GU-18-204-open",
            vec![send(no_content)],
            Expect::Full(204, vec![]),
        ),
        case(
            "GU-18-304",
            eof("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\nhello"),
            Expect::Full(304, vec![]),
        )
        .field("etag", "\"a\""),
        case(
            "GU-18-304-late",
            apart(&["HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "hello"]),
            Expect::Full(304, vec![]),
        ),
        case("GU-18-HEAD", vec![send(&whole)], full(""))
            .method("HEAD")
            .field("content-length", "5"),
        case("GU-18-HEAD-late", apart(&[FIVE, "hello"]), full("")).method("HEAD"),
        case(
            "GU-21",
            vec![Step::Drip(whole.clone().into_bytes())],
            full("hello"),
        ),
        case("GU-26", eof(format!("{HEAD}hello")), full("hello")),
        case(
            "GU-26-apart",
            [apart(&[HEAD, "hello", " again"]), vec![Step::Close]].concat(),
            full("hello again"),
        ),
        case("GU-26-empty", eof(HEAD), full("")),
        case("GU-27", eof(&whole), full("hello")).part(),
        case("reset-inside", eof(fifty), cut("hello")).part(),
        case("reset-in-head", eof("HTTP/1.1 200"), closed()).part(),
        case(
            "early-answer",
            vec![send(&whole), Step::Pause(500)],
            full("hello"),
        )
        .part(),
        case(
            "close-wanted",
            vec![send(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
            )],
            full("hello"),
        ),
        case(
            "old-kept",
            vec![send("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")],
            full("hello"),
        ),
    ]
}

fn timing() -> Vec<Case> {
    let stalled = || Expect::Cut(b"hello".to_vec(), "read_timeout");
    let late = || Expect::Error(504, "head_timeout");
    vec![
        case("never", vec![Step::Hold], late()).hasty(),
        case("drip", vec![Step::Trickle(b"X".to_vec(), 50)], late()).hasty(),
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
            "endless-head",
            vec![Step::Flood(b"HTTP/1.1 200 OK\r\nX-A: 1\r\n".to_vec())],
            bad_head(),
        ),
        case(
            "read-timeout",
            vec![send(format!("{HEAD}hello")), Step::Hold],
            stalled(),
        )
        .hasty(),
    ]
}
