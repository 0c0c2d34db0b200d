use super::*;
use crate::protocol::fields::FieldName;
use crate::protocol::head::HeadError;
use crate::protocol::params::StyleKind;
use crate::protocol::samples::{Replayed, replay, request, style};

const KEPT: FastCgi = FastCgi {
    keep_conn: true,
    style: Style {
        path_info: params::PathInfo::Decoded,
        empty_path_info: true,
        kind: StyleKind::FastCgi,
    },
    limits: Limits {
        block: 65_535,
        params: 1_000,
        head: crate::protocol::head::Limits {
            size: 64 * 1024,
            fields: 200,
        },
    },
};

fn record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let header = Header {
        padding,
        content: content.len() as u16,
        ..Header::new(Kind::from_number(kind), id, 0)
    };
    [&header.to_bytes()[..], content, &vec![0xaa; padding.into()]].concat()
}

fn stdout(content: &str) -> Vec<u8> {
    record(6, 1, content.as_bytes(), 0)
}

fn stderr(content: &str) -> Vec<u8> {
    record(7, 1, content.as_bytes(), 3)
}

fn end(status: u8) -> Vec<u8> {
    record(3, 1, &[0, 0, 0, 0, status, 0, 0, 0], 0)
}

/// Replays at every step size, or at a few of them when there are many bytes.
fn run(method: Method, wire: &[u8]) -> Replayed {
    let fresh = || Exchange::new(&KEPT, &method);
    let whole = replay(&mut fresh(), wire, wire.len().max(1));
    let steps: Vec<usize> = match wire.len() {
        0..4000 => (1..wire.len()).collect(),
        _ => vec![1, 7, 8, 9, 1000, 65_535, 65_536],
    };
    for step in steps {
        let mut pieces = replay(&mut fresh(), wire, step);
        // Bytes behind the end are only seen when they come with it.
        if whole.end == Some(Ok(false)) && pieces.end == Some(Ok(true)) {
            pieces.end = whole.end;
        }
        assert_eq!(pieces, whole, "step {step}");
    }
    whole
}

fn check(records: &[Vec<u8>], status: Option<u16>, body: &str, end: Result<bool, DecodeError>) {
    let answer = run(Method::GET, &records.concat());
    assert_eq!(answer.summary(), (status, body.as_bytes(), end), "{records:?}");
}

const HEAD: &str = "Content-Type: text/plain\r\n\r\n";

#[test]
fn php_ends_without_an_empty_stdout() {
    check(
        &[stdout(HEAD), stdout("hello"), end(0)],
        Some(200),
        "hello",
        Ok(true),
    );
    check(
        &[stdout(&format!("{HEAD}hello")), end(0)],
        Some(200),
        "hello",
        Ok(true),
    );
}

#[test]
fn streams_may_end_with_empty_records_and_padding() {
    let records = [
        record(6, 1, HEAD.as_bytes(), 255),
        record(6, 1, b"hello", 7),
        record(6, 1, b"", 8),
        record(7, 1, b"", 0),
        record(3, 1, &[0; 8], 255),
    ];
    check(&records, Some(200), "hello", Ok(true));
}

#[test]
fn one_byte_per_record_is_the_same() {
    let text = format!("Status: 404\r\n{HEAD}hello");
    let mut records: Vec<_> = text.bytes().map(|byte| record(6, 1, &[byte], 1)).collect();
    records.push(end(0));
    check(&records, Some(404), "hello", Ok(true));
}

#[test]
fn largest_records_pass() {
    let body = vec![b'x'; 65_535];
    let wire = [
        stdout(HEAD),
        record(6, 1, &body, 255),
        record(6, 1, &body, 255),
        end(0),
    ]
    .concat();
    let answer = run(Method::GET, &wire);
    assert_eq!((answer.body.len(), answer.end), (131_070, Some(Ok(true))));
}

#[test]
fn chunks_are_undone_wherever_records_cut_them() {
    let coded = format!("Transfer-Encoding: chunked\r\n{HEAD}2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n");
    check(&[stdout(&coded), end(0)], Some(200), "hello", Ok(true));
    let mut records: Vec<_> = coded.bytes().map(|byte| record(6, 1, &[byte], 1)).collect();
    records.extend([stderr("a"), end(0)]);
    check(&records, Some(200), "hello", Ok(true));
    // What is behind the last chunk is nothing of the answer, and nothing to go on with.
    for behind in [
        &[stdout("EVIL"), end(0)][..],
        &[stdout(""), stdout("EVIL"), end(0)],
    ] {
        let records = [&[stdout(&coded)][..], behind].concat();
        check(&records, Some(200), "hello", Ok(false));
    }
    let head = format!("Transfer-Encoding: chunked\r\n{HEAD}");
    let short = stdout(&format!("{head}5\r\nhel"));
    check(
        &[short.clone(), end(0)],
        Some(200),
        "hel",
        Err(DecodeError::Truncated),
    );
    check(&[short], Some(200), "hel", Err(DecodeError::Truncated));
    let broken = stdout(&format!("{head}5\r\nhelloXX"));
    let error = DecodeError::Chunk(crate::protocol::http1::ChunkError::DataEnd);
    check(&[broken, end(0)], Some(200), "hello", Err(error));
}

#[test]
fn diagnostics_come_from_anywhere() {
    let (left, right) = HEAD.split_at(HEAD.len() - 1);
    let records = [
        stderr("a"),
        stdout(left),
        stderr("b"),
        stdout(right),
        stdout("hi"),
        stderr("c"),
        end(0),
    ];
    let answer = run(Method::GET, &records.concat());
    assert_eq!(answer.stderr, "abc");
    assert_eq!(answer.summary(), (Some(200), &b"hi"[..], Ok(true)));
}

#[test]
fn nonzero_app_status_is_an_answer() {
    check(
        &[stdout(HEAD), record(3, 1, &[0, 0, 0, 9, 0, 0, 0, 0], 0)],
        Some(200),
        "",
        Ok(true),
    );
}

#[test]
fn end_without_a_head_is_no_response() {
    let none = |records: &[Vec<u8>], error| check(records, None, "", Err(error));
    none(&[end(0)], DecodeError::NoResponse);
    none(&[stdout(""), end(0)], DecodeError::NoResponse);
    none(&[stderr("oops"), end(0)], DecodeError::NoResponse);
    none(&[stdout("text only"), end(0)], DecodeError::NoResponse);
    none(&[end(1)], DecodeError::CantMultiplex);
    none(&[end(2)], DecodeError::Overloaded);
    none(&[end(3)], DecodeError::UnknownRole);
    none(&[end(7)], DecodeError::UnknownStatus(7));
}

#[test]
fn rejection_after_the_head_is_truncation() {
    check(
        &[stdout(HEAD), end(2)],
        Some(200),
        "",
        Err(DecodeError::Truncated),
    );
}

#[test]
fn end_content_may_be_longer_but_not_shorter() {
    check(
        &[stdout(HEAD), record(3, 1, &[0; 16], 4)],
        Some(200),
        "",
        Ok(true),
    );
    for length in [0, 4, 7] {
        let wrong = record(3, 1, &vec![0; length.into()], 0);
        let error = DecodeError::RecordLength { kind: 3, length };
        check(&[stdout(HEAD), wrong], Some(200), "", Err(error));
    }
}

#[test]
fn end_of_the_stream_is_truncation_unless_all_has_come() {
    let declared = "Content-Length: 5\r\n\r\n";
    let short = Err(DecodeError::Truncated);
    check(&[], None, "", Err(DecodeError::Empty));
    check(&[vec![1]], None, "", Err(DecodeError::EofInHead));
    check(&[stderr("x")], None, "", Err(DecodeError::EofInHead));
    check(&[stdout("Content-")], None, "", Err(DecodeError::EofInHead));
    check(&[stdout(HEAD), stdout("hel")], Some(200), "hel", short);
    check(
        &[stdout(HEAD), stdout("hello")[..10].to_vec()],
        Some(200),
        "he",
        short,
    );
    check(&[stdout(declared), stdout("hel")], Some(200), "hel", short);
    check(
        &[stdout(declared), stdout("hello")],
        Some(200),
        "hello",
        Ok(false),
    );
    check(
        &[stdout(HEAD), stdout("hello"), stdout("")],
        Some(200),
        "hello",
        Ok(false),
    );
    check(
        &[stdout(declared), stdout("hel"), stdout("")],
        Some(200),
        "hel",
        short,
    );
    check(&[stdout(HEAD), end(0)[..15].to_vec()], Some(200), "", short);
    check(
        &[stdout(HEAD), record(3, 1, &[0; 8], 5)[..18].to_vec()],
        Some(200),
        "",
        Ok(false),
    );
}

#[test]
fn announced_length_is_enforced() {
    let declared = "Content-Length: 5\r\n\r\n";
    check(
        &[stdout(declared), stdout("hello"), end(0)],
        Some(200),
        "hello",
        Ok(true),
    );
    check(
        &[stdout(declared), stdout("hello!"), end(0)],
        Some(200),
        "hello",
        Ok(false),
    );
    check(
        &[stdout(declared), stdout("hel"), end(0)],
        Some(200),
        "hel",
        Err(DecodeError::Truncated),
    );
    check(
        &[
            stdout(declared),
            stdout("hello"),
            stdout(""),
            stdout("more"),
            end(0),
        ],
        Some(200),
        "hello",
        Ok(false),
    );
}

#[test]
fn answers_without_a_body_lose_it() {
    for head in ["Status: 204\n\n", "Status: 304\nContent-Length: 9\n\n"] {
        let records = [stdout(head), stdout("hello"), end(0)];
        let answer = run(Method::GET, &records.concat());
        assert_eq!((&answer.body[..], answer.end), (&b""[..], Some(Ok(true))));
    }
    let records = [stdout("Content-Length: 5\n\n"), end(0)];
    let answer = run(Method::HEAD, &records.concat());
    assert_eq!(
        (answer.head.unwrap().length, answer.end),
        (Some(5), Some(Ok(true)))
    );
}

#[test]
fn foreign_records_are_not_in_the_answer() {
    let records = [
        record(42, 1, b"unknown", 1),
        record(6, 2, b"other id", 0),
        stdout(HEAD),
        record(3, 2, &[0; 8], 0),
        record(3, 2, &[0; 2], 0),
        record(10, 0, b"result", 2),
        record(11, 0, &[0; 8], 0),
        record(99, 0, b"management", 0),
        stdout("hello"),
        record(10, 1, b"result", 0),
        end(0),
    ];
    check(&records, Some(200), "hello", Ok(true));
}

#[test]
fn wrong_records_are_refused() {
    let version = |version: u8| [&[version, 6, 0, 1, 0, 2, 0, 0][..], b"hi"].concat();
    check(&[version(0)], None, "", Err(DecodeError::Version(0)));
    check(&[version(2)], None, "", Err(DecodeError::Version(2)));
    check(
        &[b"HTTP/1.1 400 Bad".to_vec()],
        None,
        "",
        Err(DecodeError::Version(b'H')),
    );
    for kind in 1..=8 {
        check(
            &[record(kind, 0, &[0; 8], 0)],
            None,
            "",
            Err(DecodeError::ManagementId(kind)),
        );
    }
    for kind in [1, 2, 4, 5, 8, 9] {
        let records = [stdout(HEAD), record(kind, 1, &[0; 8], 0)];
        check(&records, Some(200), "", Err(DecodeError::Direction(kind)));
    }
}

#[test]
fn output_after_its_end_is_refused() {
    let late = Err(DecodeError::AfterEnd);
    check(
        &[stdout(HEAD), stdout("he"), stdout(""), stdout("llo"), end(0)],
        Some(200),
        "he",
        late,
    );
    check(&[stdout(""), stdout(HEAD), end(0)], None, "", late);
    check(
        &[stdout(HEAD), stdout(""), stdout(""), end(0)],
        Some(200),
        "",
        Ok(true),
    );
}

#[test]
fn bytes_after_the_end_spoil_the_connection() {
    for stray in [stdout("late"), stderr("late"), b"x".to_vec()] {
        check(
            &[stdout(HEAD), stdout("hello"), end(0), stray],
            Some(200),
            "hello",
            Ok(false),
        );
    }
}

#[test]
fn malformed_heads_are_named() {
    check(
        &[stdout("\r\nhello"), end(0)],
        None,
        "",
        Err(HeadError::Empty.into()),
    );
    check(
        &[stdout("hello\n\n"), end(0)],
        None,
        "",
        Err(HeadError::NoColon.into()),
    );
    let endless = vec![stdout(&"x".repeat(40_000)); 2];
    check(&endless, None, "", Err(HeadError::TooLarge(65_536).into()));
}

#[test]
fn complete_head_and_body_are_not_copied() {
    let mut src = BytesMut::from(&[stdout(&format!("{HEAD}hello")), end(0)].concat()[..]);
    let memory = src.as_ptr() as usize..src.as_ptr() as usize + src.len();
    let mut exchange = Exchange::new(&KEPT, &Method::GET);
    let decode = |exchange: &mut Exchange, src: &mut BytesMut| {
        crate::protocol::Exchange::decode(exchange, src).unwrap().unwrap()
    };
    let Event::Head(head) = decode(&mut exchange, &mut src) else {
        panic!("a head");
    };
    assert!(memory.contains(&(head.fields.get(FieldName::ContentType).unwrap().as_ptr() as usize)));
    let Event::Body(body) = decode(&mut exchange, &mut src) else {
        panic!("a body");
    };
    assert!(memory.contains(&(body.as_ptr() as usize)));
}

fn wire(protocol: &FastCgi, head: &RequestHead, body: &[u8]) -> Vec<u8> {
    let mut out = WriteQueue::new();
    let mut exchange = protocol.begin(head, &mut out).unwrap();
    exchange.push_body(Bytes::copy_from_slice(body), &mut out);
    exchange.finish_body(&mut out);
    let mut all = vec![0; out.len()];
    bytes::Buf::copy_to_slice(&mut out, &mut all);
    all
}

#[test]
fn request_is_begin_params_and_stdin() {
    let wire = wire(&KEPT, &request(Method::GET), b"");
    let params = b"\x0e\x03REQUEST_METHODGET";
    assert_eq!(wire[..16], [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
    assert_eq!(wire[16..20], [1, 4, 0, 1]);
    assert!(wire.windows(params.len()).any(|window| window == params));
    assert!(wire.ends_with(b"\x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\0\0\0"));
}

#[test]
fn body_is_cut_into_records() {
    let head = RequestHead {
        content_length: Some(70_000),
        ..request(Method::POST)
    };
    let wire = wire(&KEPT, &head, &vec![b'x'; 70_000]);
    let first = [&b"\x01\x05\0\x01\xff\xf8\0\0"[..], &vec![b'x'; 65_528]].concat();
    let second = [
        &b"\x01\x05\0\x01\x11\x78\0\0"[..],
        &vec![b'x'; 4_472],
        b"\x01\x05\0\x01\0\0\0\0",
    ]
    .concat();
    assert!(wire.ends_with(&[first, second].concat()));
}

#[test]
fn refused_requests_leave_nothing_behind() {
    let small = FastCgi {
        limits: Limits {
            block: 20,
            ..KEPT.limits
        },
        style: style(StyleKind::FastCgi),
        keep_conn: false,
    };
    let mut out = WriteQueue::new();
    bytes::BufMut::put_slice(out.tail(), b"earlier");
    let refused = small.begin(&request(Method::GET), &mut out).err().unwrap();
    assert!(matches!(refused, EncodeError::BlockTooLarge { limit: 20, .. }));
    assert_eq!(out.chunk(), b"earlier");
}

#[test]
fn a_body_of_unknown_length_ends_with_an_empty_record() {
    let chunked = RequestHead {
        chunked: true,
        ..request(Method::POST)
    };
    let mut out = WriteQueue::new();
    let mut exchange = KEPT.begin(&chunked, &mut out).unwrap();
    let head = out.remaining();
    let params = out.copy_to_bytes(head);
    assert!(!params.windows(14).any(|name| name == b"CONTENT_LENGTH"));
    exchange.push_body(Bytes::from_static(b"abc"), &mut out);
    exchange.finish_body(&mut out);
    let body = out.copy_to_bytes(out.remaining());
    assert_eq!(body, &b"\x01\x05\0\x01\0\x03\0\0abc\x01\x05\0\x01\0\0\0\0"[..]);
}
