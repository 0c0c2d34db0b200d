//! FastCGI: rows GC-20 to GC-86.

use super::{Case, Expect, Protocol, Step, case, cut, full, play, send};

const FASTCGI: Protocol = Protocol {
    name: "fastcgi",
    read: |connection| connection.read_fastcgi(),
    path: |request| request.param("REQUEST_URI").unwrap_or_default().to_owned(),
    good: || response("Content-Type: text/plain\r\n\r\ninnocent"),
};

#[test]
fn rows_on_a_connection_for_each_request() {
    play(FASTCGI, false, rows());
}

#[test]
fn rows_on_a_kept_connection() {
    play(FASTCGI, true, rows());
}

fn rows() -> Vec<Case> {
    [
        variations(),
        interrupted(),
        rejections(),
        strangers(),
        heads(),
        lengths(),
        timing(),
    ]
    .concat()
}

/// A record of type `kind` for request `id` with `padding` bytes of padding.
fn record(version: u8, kind: u8, id: u8, content: &[u8], padding: u8) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut wire = vec![version, kind, 0, id, high, low, padding, 0];
    wire.extend_from_slice(content);
    wire.resize(wire.len() + usize::from(padding), 0xAA);
    wire
}

fn out(content: impl AsRef<[u8]>) -> Vec<u8> {
    record(1, 6, 1, content.as_ref(), 0)
}

fn err(content: impl AsRef<[u8]>) -> Vec<u8> {
    record(1, 7, 1, content.as_ref(), 0)
}

/// END_REQUEST.
fn end(app: u8, protocol: u8) -> Vec<u8> {
    record(1, 3, 1, &[0, 0, 0, app, protocol, 0, 0, 0], 0)
}

/// The end of the output, and of the request.
fn fin() -> Vec<u8> {
    [out(""), end(0, 0)].concat()
}

fn response(text: &str) -> Vec<u8> {
    [out(text), fin()].concat()
}

const HEAD: &str = "Content-Type: text/plain\r\n\r\n";
const HELLO: &str = "Content-Type: text/plain\r\n\r\nhello";
const FIVE: &str = "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

/// One write.
fn at_once(pieces: &[Vec<u8>]) -> Vec<Step> {
    vec![send(pieces.concat())]
}

/// One write, then the end of the stream.
fn and_close(pieces: &[Vec<u8>]) -> Vec<Step> {
    vec![send(pieces.concat()), Step::Close]
}

/// Every piece in a write of its own, some time apart: each is read alone.
fn apart(pieces: &[Vec<u8>]) -> Vec<Step> {
    pieces
        .iter()
        .flat_map(|piece| [send(piece), Step::Pause(15)])
        .collect()
}

/// As [`apart`], then the end of the stream.
fn apart_and_close(pieces: &[Vec<u8>]) -> Vec<Step> {
    let mut steps = apart(pieces);
    steps.push(Step::Close);
    steps
}

fn bad_gateway() -> Expect {
    Expect::Error(502, "bad_response")
}

fn closed() -> Expect {
    Expect::Error(502, "backend_closed")
}

/// A failure that comes together with the head is known before the client knows anything.
fn truncated() -> Expect {
    Expect::Error(502, "response_truncated")
}

fn bad_head() -> Expect {
    Expect::Error(502, "bad_response_head")
}

fn broken_off(body: &str) -> Expect {
    Expect::Cut(body.into(), "bad_response")
}

/// B. Normal variations of the response.
fn variations() -> Vec<Case> {
    let big = [HEAD.as_bytes(), &vec![b'x'; 65_535 - HEAD.len()]].concat();
    let flood = vec![b'e'; 60_000];
    let bytewise = |text: &str| text.bytes().map(|byte| out([byte])).collect::<Vec<_>>();
    vec![
        case("GC-20", at_once(&[response(HELLO)]), full("hello")),
        case("GC-21", vec![Step::Drip(response(HELLO))], full("hello")),
        case(
            "GC-22-one-write",
            at_once(&[bytewise(HELLO).concat(), fin()]),
            full("hello"),
        ),
        case(
            "GC-22-many-writes",
            [bytewise(HELLO), vec![fin()]].concat().iter().map(send).collect(),
            full("hello"),
        ),
        case("GC-23", at_once(&[out(HELLO), end(0, 0)]), full("hello")),
        case(
            "GC-24-stdout",
            at_once(&[record(1, 6, 1, HELLO.as_bytes(), 255), fin()]),
            full("hello"),
        ),
        case(
            "GC-24-empty",
            at_once(&[out(HELLO), record(1, 6, 1, b"", 255), end(0, 0)]),
            full("hello"),
        ),
        case(
            "GC-24-end",
            at_once(&[out(HELLO), record(1, 3, 1, &[0; 8], 255)]),
            full("hello"),
        ),
        case(
            "GC-24-end-late",
            apart(&[
                out(HELLO),
                record(1, 3, 1, &[0; 8], 255)[..16].to_vec(),
                vec![0; 255],
            ]),
            full("hello"),
        ),
        case(
            "GC-25",
            at_once(&[
                record(1, 6, 1, &big, 255),
                record(1, 6, 1, &[b'x'; 65_535], 255),
                fin(),
            ]),
            full(vec![b'x'; 131_070 - HEAD.len()]),
        ),
        case(
            "GC-26",
            vec![
                send(out(HELLO)),
                Step::Pause(1000),
                send(out(" again")),
                send(fin()),
            ],
            full("hello again"),
        ),
        case(
            "GC-27-before",
            at_once(&[err("GC-27 one\n"), response(HELLO)]),
            full("hello"),
        )
        .logged("GC-27 one"),
        case(
            "GC-27-between",
            at_once(&[out(HELLO), err("GC-27 two\n"), out("!"), fin()]),
            full("hello!"),
        )
        .logged("GC-27 two"),
        case(
            "GC-27-in-head",
            apart(&[
                out("Content-Type: te"),
                err("GC-27 three\n"),
                out("xt/plain\r\n\r\nhello"),
                fin(),
            ]),
            full("hello"),
        )
        .logged("GC-27 three")
        .field("content-type", "text/plain"),
        case(
            "GC-27-240kB",
            at_once(&[
                err(&flood),
                err(&flood),
                err(&flood),
                err(&flood),
                response(HELLO),
            ]),
            full("hello"),
        )
        .logged("error stream over its limit"),
        case(
            "GC-27-control",
            at_once(&[err("\x1b[31mGC-27 red\n"), response(HELLO)]),
            full("hello"),
        )
        .logged("\\u{1b}[31mGC-27 red"),
        case(
            "GC-28",
            at_once(&[err("GC-28 alone\n"), end(0, 0)]),
            bad_gateway(),
        )
        .logged("GC-28 alone"),
        case("GC-29", at_once(&[response(HELLO), err("late\n")]), full("hello")),
        case(
            "GC-29-late",
            apart(&[response(HELLO), err("late\n")]),
            full("hello"),
        ),
        case("GC-30", at_once(&[out(HELLO), out(""), end(9, 0)]), full("hello")),
        case(
            "GC-31-lf",
            at_once(&[response("Content-Type: text/plain\nX-A: 1\n\nhello")]),
            full("hello"),
        )
        .field("x-a", "1"),
        case(
            "GC-31-mixed",
            at_once(&[response("Content-Type: text/plain\r\nX-A: 1\n\r\nhello")]),
            full("hello"),
        )
        .field("x-a", "1"),
        case(
            "GC-31-mixed-2",
            at_once(&[response("Content-Type: text/plain\nX-A: 1\r\n\nhello")]),
            full("hello"),
        )
        .field("x-a", "1"),
        case(
            "GC-32",
            apart(&[
                out("Content-Type: text/plain\r"),
                out("\n\r"),
                out("\nhello"),
                fin(),
            ]),
            full("hello"),
        ),
        case(
            "GC-32-three",
            apart(&[
                out("Content-Type: text/plain"),
                out("\r\n"),
                out("\r"),
                out("\n"),
                out("hello"),
                fin(),
            ]),
            full("hello"),
        ),
        case(
            "record-split-in-header",
            apart(&[
                out(HELLO)[..3].to_vec(),
                [out(HELLO)[3..].to_vec(), fin()].concat(),
            ]),
            full("hello"),
        ),
        case(
            "head-alone",
            apart(&[out(HEAD), out("hello"), fin()]),
            full("hello"),
        ),
        case("no-body", at_once(&[response(HEAD)]), full("")),
        case("HEAD", at_once(&[response(FIVE)]), full(""))
            .method("HEAD")
            .field("content-length", "5"),
        case(
            "304-apart",
            apart(&[out("Status: 304\r\nContent-Length: 5\r\n\r\n"), fin()]),
            Expect::Full(304, vec![]),
        ),
        case("HEAD-apart", apart(&[out(HEAD), out("hello"), fin()]), full("")).method("HEAD"),
    ]
}

/// C. The stream ends where it should not.
fn interrupted() -> Vec<Case> {
    let fifty = "Content-Type: text/plain\r\nContent-Length: 50\r\n\r\nhello";
    vec![
        case("GC-33", vec![Step::Close], closed()),
        case("GC-39", and_close(&[out("Content-Ty")]), closed()),
        case(
            "GC-39-apart",
            apart_and_close(&[out("Content-Type: text/plain\r\n")]),
            closed(),
        ),
        case("GC-39-header", and_close(&[vec![1, 6, 0, 1, 0]]), closed()),
        case(
            "GC-40",
            and_close(&[out(HEAD), out("hello")[..10].to_vec()]),
            cut("he"),
        ),
        case(
            "GC-40-apart",
            apart_and_close(&[out(HEAD), out("hello")[..10].to_vec()]),
            cut("he"),
        ),
        case(
            "GC-40-header",
            and_close(&[out(HELLO), vec![1, 6, 0]]),
            cut("hello"),
        ),
        case(
            "GC-40-padding",
            and_close(&[record(1, 6, 1, HELLO.as_bytes(), 9)[..8 + HELLO.len() + 4].to_vec()]),
            cut("hello"),
        ),
        case("GC-41", and_close(&[out(HELLO)]), cut("hello")),
        case(
            "GC-41-apart",
            apart_and_close(&[out(HEAD), out("hello")]),
            cut("hello"),
        ),
        case("GC-41-old", and_close(&[out(HELLO)]), cut("hello")).old(),
        case(
            "GC-41-old-apart",
            apart_and_close(&[out(HEAD), out("hello")]),
            cut("hello"),
        )
        .old(),
        case("GC-42", and_close(&[out(fifty)]), cut("hello")),
        case("GC-42-apart", apart_and_close(&[out(fifty)]), cut("hello")),
        case("GC-42-with-end", at_once(&[response(fifty)]), truncated()),
        case("GC-42-old", and_close(&[out(fifty)]), cut("hello")).old(),
        case("GC-43", and_close(&[out(FIVE)]), full("hello")),
        case("GC-43-apart", apart_and_close(&[out(FIVE)]), full("hello")),
        case(
            "GC-43-half-end",
            and_close(&[out(FIVE), end(0, 0)[..11].to_vec()]),
            full("hello"),
        ),
        case("GC-44", and_close(&[out(HELLO), out("")]), full("hello")),
        case(
            "GC-44-apart",
            apart_and_close(&[out(HELLO), out("")]),
            full("hello"),
        ),
        case("GC-45", and_close(&[out(HEAD), out("he")]), cut("he")).part(),
        case("GC-45-head", and_close(&[out("Content-Ty")]), closed()).part(),
        case("GC-45-nothing", vec![Step::Close], closed()).part(),
        case(
            "end-without-padding",
            and_close(&[out(HELLO), record(1, 3, 1, &[0; 8], 8)[..16].to_vec()]),
            full("hello"),
        ),
    ]
}

/// C. END_REQUEST that says or is something else.
fn rejections() -> Vec<Case> {
    let overloaded = || Expect::Error(503, "backend_overloaded");
    let sized = |length: usize| record(1, 3, 1, &vec![0; length], 0);
    vec![
        case("GC-34", at_once(&[end(0, 0)]), bad_gateway()),
        case("GC-34-stdout", at_once(&[fin()]), bad_gateway()),
        case("GC-35-1", at_once(&[end(0, 1)]), overloaded()),
        case("GC-35-2", at_once(&[end(0, 2)]), overloaded()),
        case("GC-35-3", at_once(&[end(0, 3)]), bad_gateway()).logged("FCGI_UNKNOWN_ROLE"),
        case("GC-35-7", at_once(&[end(0, 7)]), bad_gateway()).logged("unknown protocol status 7"),
        case("GC-36", at_once(&[out(HELLO), out(""), end(0, 2)]), truncated()),
        case(
            "GC-36-apart",
            apart(&[out(HELLO), out(""), end(0, 2)]),
            cut("hello"),
        ),
        case(
            "GC-36-length",
            at_once(&[out(FIVE), out(""), end(0, 2)]),
            full("hello"),
        ),
        case("GC-37-0", at_once(&[out(HELLO), sized(0)]), bad_gateway()),
        case(
            "GC-37-0-apart",
            apart(&[out(HELLO), sized(0)]),
            broken_off("hello"),
        ),
        case("GC-37-4", at_once(&[out(HELLO), sized(4)]), bad_gateway()),
        case(
            "GC-37-4-apart",
            apart(&[out(HELLO), sized(4)]),
            broken_off("hello"),
        ),
        case("GC-37-4-first", at_once(&[sized(4)]), bad_gateway()),
        case("GC-38", at_once(&[out(HELLO), sized(16)]), full("hello")),
        case("GC-38-max", at_once(&[out(HELLO), sized(65_535)]), full("hello")),
    ]
}

/// C. Records that have no business there.
fn strangers() -> Vec<Case> {
    let other = |kind| record(1, kind, 2, b"stray", 3);
    let on_null = |kind| record(1, kind, 0, b"stray", 3);
    let begin = || record(1, 1, 1, &[0, 1, 0, 0, 0, 0, 0, 0], 0);
    vec![
        case(
            "GC-46",
            at_once(&[out(HELLO), other(6), out("!"), fin()]),
            full("hello!"),
        ),
        case(
            "GC-46-head",
            at_once(&[
                out("Content-Type: te"),
                other(6),
                out("xt/plain\r\n\r\nhello"),
                fin(),
            ]),
            full("hello"),
        ),
        case(
            "GC-47",
            at_once(&[out(HELLO), record(1, 3, 2, &[0; 8], 0), out("!"), fin()]),
            full("hello!"),
        ),
        case(
            "GC-47-first",
            at_once(&[record(1, 3, 2, &[0; 8], 0), response(HELLO)]),
            full("hello"),
        ),
        case(
            "GC-48",
            at_once(&[record(1, 6, 0, HELLO.as_bytes(), 0), record(1, 3, 0, &[0; 8], 0)]),
            bad_gateway(),
        ),
        case(
            "GC-49-0",
            at_once(&[record(0, 6, 1, HELLO.as_bytes(), 0), fin()]),
            bad_gateway(),
        )
        .logged("does not speak FastCGI"),
        case(
            "GC-49-2",
            at_once(&[record(2, 6, 1, HELLO.as_bytes(), 0), fin()]),
            bad_gateway(),
        ),
        case(
            "GC-49-http",
            and_close(&[b"HTTP/1.1 200 OK\r\n\r\n".to_vec()]),
            bad_gateway(),
        ),
        case(
            "GC-49-later",
            at_once(&[out(HELLO), record(2, 6, 1, b"!", 0), fin()]),
            bad_gateway(),
        ),
        case(
            "GC-50-before",
            at_once(&[record(1, 42, 1, b"stray", 3), response(HELLO)]),
            full("hello"),
        ),
        case(
            "GC-50-between",
            at_once(&[out(HELLO), record(1, 42, 1, b"stray", 3), fin()]),
            full("hello"),
        ),
        case(
            "GC-51-result",
            at_once(&[on_null(10), out(HELLO), on_null(10), fin()]),
            full("hello"),
        ),
        case(
            "GC-51-unknown",
            at_once(&[on_null(11), out(HELLO), on_null(11), fin()]),
            full("hello"),
        ),
        case("GC-52", at_once(&[begin(), response(HELLO)]), bad_gateway()),
        case(
            "GC-52-between",
            at_once(&[out(HELLO), begin(), fin()]),
            bad_gateway(),
        ),
        case("GC-53", at_once(&[response(HELLO), out("stray")]), full("hello")),
        case(
            "GC-53-length",
            at_once(&[response(FIVE), out("stray")]),
            full("hello"),
        ),
        case(
            "GC-53-late",
            apart(&[response(HELLO), out("stray")]),
            full("hello"),
        ),
        case(
            "GC-53-response",
            at_once(&[
                response(HELLO),
                response("Content-Type: text/plain\r\n\r\nstolen"),
            ]),
            full("hello"),
        ),
        case(
            "GC-53-response-late",
            apart(&[
                response(HELLO),
                response("Content-Type: text/plain\r\n\r\nstolen"),
            ]),
            full("hello"),
        ),
        case(
            "GC-54",
            at_once(&[response(HELLO), b"garbage".to_vec()]),
            full("hello"),
        ),
        case(
            "GC-54-late",
            apart(&[response(HELLO), b"garbage".to_vec()]),
            full("hello"),
        ),
        case("GC-54-byte", at_once(&[response(HELLO), vec![1]]), full("hello")),
        case(
            "GC-55",
            at_once(&[out(HELLO), out(""), out("stray"), end(0, 0)]),
            bad_gateway(),
        ),
        case(
            "GC-55-apart",
            apart(&[out(HELLO), out(""), out("stray"), end(0, 0)]),
            broken_off("hello"),
        ),
        case(
            "GC-56",
            at_once(&[out(FIVE), out(""), out("stray"), end(0, 0)]),
            full("hello"),
        ),
        case(
            "GC-56-apart",
            apart(&[out(FIVE), out(""), out("stray"), end(0, 0)]),
            full("hello"),
        ),
    ]
}

/// D. Heads.
fn heads() -> Vec<Case> {
    let mut rows = Vec::new();
    for (id, text) in BAD_HEADS {
        rows.push(case(*id, at_once(&[response(text)]), bad_head()));
        rows.push(case(
            format!("{id}-drip"),
            vec![Step::Drip(response(text))],
            bad_head(),
        ));
    }
    for (id, text, status, body) in GOOD_HEADS {
        let expect = || Expect::Full(*status, body.as_bytes().to_vec());
        rows.push(case(*id, at_once(&[response(text)]), expect()));
        rows.push(case(
            format!("{id}-drip"),
            vec![Step::Drip(response(text))],
            expect(),
        ));
    }
    for row in &mut rows {
        let fields = FIELDS
            .iter()
            .filter(|(id, ..)| row.id.strip_suffix("-drip").unwrap_or(&row.id) == *id);
        row.fields = fields.map(|(_, name, value)| (*name, *value)).collect();
    }
    rows.push(case("GC-58-text", at_once(&[response("hello")]), bad_gateway()));
    rows.push(case(
        "GC-58-no-blank",
        at_once(&[response("Content-Type: text/plain\r\n")]),
        bad_gateway(),
    ));
    let nul = |byte: &[u8]| {
        [
            out([
                b"Content-Type: text/plain\r\nX-A: a".as_slice(),
                byte,
                b"b\r\n\r\nhello",
            ]
            .concat()),
            fin(),
        ]
    };
    rows.push(case("GC-70-nul", at_once(&nul(b"\0")), bad_head()));
    rows.push(case("GC-70-one", at_once(&nul(b"\x01")), bad_head()));
    rows.push(case("GC-70-del", at_once(&nul(b"\x7f")), bad_head()));
    rows.push(case("GC-70-utf8", at_once(&nul("ä".as_bytes())), full("hello")).field("x-a", "aäb"));
    for size in [3, 5, 20, 60, 200] {
        let value = "v".repeat(size * 1000);
        let records: Vec<_> = format!("Content-Type: text/plain\r\nX-Big: {value}\r\n\r\nhello")
            .as_bytes()
            .chunks(8184)
            .map(out)
            .collect();
        let expect = if size < 64 { full("hello") } else { bad_head() };
        rows.push(case(
            format!("GC-71-{size}kB"),
            at_once(&[records.concat(), fin()]),
            expect,
        ));
    }
    for (count, expect) in [(190, full("hello")), (2000, bad_head())] {
        let fields: String = (0..count).map(|n| format!("X-{n}: v\r\n")).collect();
        let text = format!("Content-Type: text/plain\r\n{fields}\r\nhello");
        rows.push(case(
            format!("GC-71-{count}-fields"),
            at_once(&[response(&text)]),
            expect,
        ));
    }
    rows
}

/// Heads that are refused with 502 `bad_response_head`.
const BAD_HEADS: &[(&str, &str)] = &[
    ("GC-57", "\r\nhello"),
    ("GC-57-lf", "\nhello"),
    ("GC-58-line", "hello\r\n\r\n"),
    ("GC-60-abc", "Status: abc\r\n\r\nhello"),
    ("GC-60-99", "Status: 99\r\n\r\nhello"),
    ("GC-60-1000", "Status: 1000\r\n\r\nhello"),
    ("GC-60-000", "Status: 000\r\n\r\nhello"),
    ("GC-60-200OK", "Status: 200OK\r\n\r\nhello"),
    ("GC-60-empty", "Status: \r\nContent-Type: a/b\r\n\r\nhello"),
    ("GC-61", "Status: 404\r\nStatus: 200\r\n\r\nhello"),
    ("GC-62-100", "Status: 100 Continue\r\n\r\nhello"),
    ("GC-62-101", "Status: 101 Switching\r\nUpgrade: x\r\n\r\nhello"),
    ("GC-62-103", "Status: 103\r\nLink: </a>\r\n\r\nhello"),
    ("GC-67", "HTTP/1.1 201 Created\r\nContent-Type: a/b\r\n\r\nhello"),
    ("GC-68-folded", "Content-Type: a/b\r\nX-A: 1\r\n 2\r\n\r\nhello"),
    ("GC-68-tab", "Content-Type: a/b\r\nX-A: 1\r\n\t2\r\n\r\nhello"),
    ("GC-68-leading", " Content-Type: a/b\r\n\r\nhello"),
    ("GC-69-no-colon", "Content-Type: a/b\r\ngarbage\r\n\r\nhello"),
    ("GC-69-space", "Content-Type: a/b\r\nX-A : 1\r\n\r\nhello"),
    ("GC-69-empty", "Content-Type: a/b\r\n: 1\r\n\r\nhello"),
    ("GC-69-cr", "Content-Type: a/b\r\nX-A: 1\r2\r\n\r\nhello"),
    ("GC-69-name", "Content-Type: a/b\r\nX(A): 1\r\n\r\nhello"),
    (
        "GC-72-different",
        "Content-Type: a/b\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nhello",
    ),
    (
        "GC-72-minus",
        "Content-Type: a/b\r\nContent-Length: -5\r\n\r\nhello",
    ),
    (
        "GC-72-plus",
        "Content-Type: a/b\r\nContent-Length: +5\r\n\r\nhello",
    ),
    (
        "GC-72-5abc",
        "Content-Type: a/b\r\nContent-Length: 5abc\r\n\r\nhello",
    ),
    (
        "GC-72-list",
        "Content-Type: a/b\r\nContent-Length: 5, 3\r\n\r\nhello",
    ),
    (
        "GC-72-hex",
        "Content-Type: a/b\r\nContent-Length: 0x5\r\n\r\nhello",
    ),
    (
        "GC-72-huge",
        "Content-Type: a/b\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
    ),
    (
        "GC-72-empty",
        "Content-Type: a/b\r\nContent-Length: \r\n\r\nhello",
    ),
    (
        "GC-73-length",
        "Content-Type: a/b\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
    ),
    (
        "GC-73-gzip",
        "Content-Type: a/b\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    ),
    (
        "GC-73-gzip-chunked",
        "Content-Type: a/b\r\nTransfer-Encoding: gzip, chunked\r\n\r\nhello",
    ),
    ("GC-76", "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\nhello"),
    ("GC-76-location", "Location: /a\r\nLocation: /b\r\n\r\n"),
];

/// Heads that are taken, with the status and the body that the client gets.
const GOOD_HEADS: &[(&str, &str, u16, &str)] = &[
    ("GC-59-404", "Status: 404\r\n\r\nhello", 404, "hello"),
    ("GC-59-reason", "Status: 404 Not Found\r\n\r\nhello", 404, "hello"),
    ("GC-59-odd", "Status: 499 Odd Thing\r\n\r\nhello", 499, "hello"),
    (
        "GC-59-last",
        "Content-Type: a/b\r\nX-A: 1\r\nStatus: 404\r\n\r\nhello",
        404,
        "hello",
    ),
    ("GC-59-case", "sTATUS: 404\r\n\r\nhello", 404, "hello"),
    ("GC-59-500", "Status: 500\r\n\r\nhello", 500, "hello"),
    ("GC-60-600", "Status: 600\r\n\r\nhello", 600, "hello"),
    ("GC-60-999", "Status: 999 Odd\r\n\r\nhello", 999, "hello"),
    (
        "GC-59-503",
        "Status: 503\r\nRetry-After: 7\r\n\r\nhello",
        503,
        "hello",
    ),
    ("GC-63-204", "Status: 204\r\n\r\nhello", 204, ""),
    ("GC-63-304", "Status: 304\r\nETag: \"a\"\r\n\r\nhello", 304, ""),
    (
        "GC-63-204-length",
        "Status: 204\r\nContent-Length: 5\r\n\r\nhello",
        204,
        "",
    ),
    (
        "GC-63-304-length",
        "Status: 304\r\nContent-Length: 5\r\n\r\n",
        304,
        "",
    ),
    ("GC-64", "Location: http://other.example/\r\n\r\n", 302, ""),
    ("GC-65", "Location: /elsewhere\r\n\r\n", 302, ""),
    (
        "GC-66",
        "Status: 201\r\nLocation: /new\r\n\r\nhello",
        201,
        "hello",
    ),
    (
        "GC-72-small",
        "Content-Type: a/b\r\nContent-Length: 3\r\n\r\nhello",
        200,
        "hel",
    ),
    (
        "GC-72-zero",
        "Content-Type: a/b\r\nContent-Length: 0\r\n\r\nhello",
        200,
        "",
    ),
    (
        "GC-72-equal",
        "Content-Type: a/b\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "GC-72-list-equal",
        "Content-Type: a/b\r\nContent-Length: 5, 5\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "GC-72-zeros",
        "Content-Type: a/b\r\nContent-Length: 0005\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "GC-73",
        "Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        200,
        "hello",
    ),
    (
        "GC-73-behind",
        "Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nEVIL",
        200,
        "hello",
    ),
    (
        "GC-73-identity",
        "Content-Type: a/b\r\nTransfer-Encoding: identity\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "GC-74",
        "Content-Type: a/b\r\nConnection: close, X-Secret\r\nX-Secret: s\r\nKeep-Alive: 5\r\nTrailer: X-T\r\nTE: x\r\nUpgrade: x\r\nProxy-Connection: x\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "GC-75",
        "Content-Type: a/b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "GC-76-equal",
        "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "GC-77-sendfile",
        "Content-Type: a/b\r\nX-Sendfile: /etc/passwd\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "GC-77-accel",
        "Content-Type: a/b\r\nX-Accel-Redirect: /etc/passwd\r\n\r\nhello",
        200,
        "hello",
    ),
    (
        "variable",
        "Content-Type: a/b\r\nVariable-USER: root\r\n\r\nhello",
        200,
        "hello",
    ),
    ("no-type", "X-A: 1\r\n\r\nhello", 200, "hello"),
];

/// What the fields of those responses must be.
const FIELDS: &[(&str, &str, Option<&str>)] = &[
    ("GC-59-404", "status", None),
    ("GC-59-503", "retry-after", Some("7")),
    ("GC-63-204", "content-length", None),
    ("GC-63-204", "transfer-encoding", None),
    ("GC-63-204-length", "content-length", None),
    ("GC-63-304", "etag", Some("\"a\"")),
    ("GC-64", "location", Some("http://other.example/")),
    ("GC-65", "location", Some("/elsewhere")),
    ("GC-66", "location", Some("/new")),
    ("GC-72-small", "content-length", Some("3")),
    ("GC-72-equal", "content-length", Some("5")),
    ("GC-72-zeros", "content-length", Some("5")),
    ("GC-72-list-equal", "content-length", Some("5")),
    ("GC-74", "x-secret", None),
    ("GC-74", "keep-alive", None),
    ("GC-74", "trailer", None),
    ("GC-74", "te", None),
    ("GC-74", "upgrade", None),
    ("GC-74", "proxy-connection", None),
    ("GC-74", "connection", None),
    ("GC-75", "set-cookie", Some("a=1 | b=2")),
    ("GC-77-sendfile", "x-sendfile", None),
    ("GC-77-accel", "x-accel-redirect", None),
    ("GC-76-equal", "content-type", Some("a/b")),
    ("variable", "variable-user", None),
];

/// D. Announced lengths against what comes, in pieces.
fn lengths() -> Vec<Case> {
    let head = |length: usize| out(format!("Content-Type: a/b\r\nContent-Length: {length}\r\n\r\n"));
    vec![
        case(
            "GC-72-small-apart",
            apart(&[head(3), out("hel"), out("lo"), fin()]),
            full("hel"),
        ),
        case(
            "GC-72-small-split",
            apart(&[head(3), out("he"), out("llo"), fin()]),
            full("hel"),
        ),
        case(
            "GC-72-large",
            at_once(&[head(50), out("hello"), fin()]),
            truncated(),
        ),
        case(
            "GC-72-large-apart",
            apart(&[head(50), out("hello"), fin()]),
            cut("hello"),
        ),
    ]
}

/// E. Timing and flow.
fn timing() -> Vec<Case> {
    let stalled = |body: &str| Expect::Cut(body.into(), "read_timeout");
    let late = || Expect::Error(504, "head_timeout");
    vec![
        case("GC-78", and_close(&[response(HELLO)]), full("hello")).part(),
        case(
            "GC-78-apart",
            apart_and_close(&[out(HEAD), out("hello"), fin()]),
            full("hello"),
        )
        .part(),
        case(
            "GC-78-large",
            and_close(&[out(HEAD), out(vec![b'x'; 60_000]), fin()]),
            full(vec![b'x'; 60_000]),
        )
        .part(),
        case(
            "GC-79",
            vec![send(response(HELLO)), Step::Pause(1000)],
            full("hello"),
        )
        .part(),
        case(
            "GC-79-apart",
            [apart(&[out(HEAD), out("hello"), fin()]), vec![Step::Pause(500)]].concat(),
            full("hello"),
        )
        .part(),
        case("GC-80", vec![Step::Hold], late()).hasty(),
        case(
            "GC-80-half-head",
            vec![send(out("Content-Ty")), Step::Hold],
            late(),
        )
        .hasty(),
        case("GC-80-post", vec![Step::Hold], late())
            .hasty()
            .method("POST"),
        case("GC-81", vec![Step::Trickle(out("X"), 50)], late()).hasty(),
        case("GC-85", vec![Step::Flood(err(vec![b'e'; 8000]))], late())
            .hasty()
            .logged("error stream over its limit"),
        case("GC-85-slow", vec![Step::Trickle(err("again\n"), 20)], late()).hasty(),
        case(
            "ignored-flood",
            vec![Step::Flood(record(1, 42, 1, &[0; 8000], 0))],
            late(),
        )
        .hasty(),
        case("GC-86", vec![Step::Flood(out("X-A: 1\r\n"))], bad_head()),
        case("GC-86-line", vec![Step::Flood(out(vec![b'x'; 8000]))], bad_head()),
        case(
            "read-timeout",
            vec![send(out(HELLO)), Step::Hold],
            stalled("hello"),
        )
        .hasty(),
        case(
            "read-timeout-length",
            vec![send(out("Content-Length: 50\r\n\r\nhello")), Step::Hold],
            stalled("hello"),
        )
        .hasty(),
        case("no-end", vec![send(out(FIVE)), Step::Hold], full("hello")).hasty(),
        // The client has its answer: the worker is not waited for much longer.
        case(
            "HEAD-for-ever",
            vec![send(out(HEAD)), Step::Trickle(out("x"), 20)],
            full(""),
        )
        .method("HEAD")
        .hasty(),
    ]
}
