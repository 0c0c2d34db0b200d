use bytes::Buf;
use proptest::prelude::*;

use super::*;
use crate::protocol::fields::Fields;
use crate::protocol::head::HeadError;
use crate::protocol::http1::answer::{self, Connection};
use crate::protocol::http1::{ChunkError, Limits, RequestDecoder};
use crate::protocol::samples::{self, Replayed, replay};

const KEEP: Http1 = Http1 {
    keep: true,
    limits: head::Limits { size: 400, fields: 8 },
};

fn exchange(protocol: Http1, request: &RequestHead) -> Box<dyn Exchange> {
    protocol.begin(request, &mut WriteQueue::new()).unwrap()
}

/// The same answer at every split point.
fn run(protocol: Http1, request: &RequestHead, wire: &str) -> Replayed {
    let wire = wire.as_bytes();
    let whole = replay(&mut *exchange(protocol, request), wire, wire.len().max(1));
    for step in 1..wire.len() {
        let mut pieces = replay(&mut *exchange(protocol, request), wire, step);
        // Bytes behind the end are only seen when they come with it.
        if whole.end == Some(Ok(false)) && pieces.end == Some(Ok(true)) {
            pieces.end = whole.end;
        }
        assert_eq!(pieces, whole, "step {step}");
    }
    whole
}

fn answered(method: Method, wire: &str) -> (Option<u16>, String, Result<bool, DecodeError>) {
    let answer = run(KEEP, &samples::request(method), wire);
    let (status, body, end) = answer.summary();
    (status, String::from_utf8(body.to_vec()).unwrap(), end)
}

fn get(wire: &str) -> (Option<u16>, String, Result<bool, DecodeError>) {
    answered(Method::GET, wire)
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn a_body_ends_where_the_head_says() {
    for (wire, body, end) in [
        (format!("{OK}Content-Length: 5\r\n\r\nhello"), "hello", Ok(true)),
        (format!("{OK}Content-Length: 0\r\n\r\n"), "", Ok(true)),
        (format!("{OK}Content-Length: 3\r\n\r\nhello"), "hel", Ok(false)),
        (format!("{OK}\r\nhello"), "hello", Ok(false)),
        (format!("{OK}\r\n"), "", Ok(false)),
        (format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n"), "hello", Ok(true)),
        (
            format!("{CHUNKED}2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"),
            "hello",
            Ok(true),
        ),
        (
            format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\nHTTP/1.1"),
            "hello",
            Ok(false),
        ),
        (
            format!("{OK}Connection: close\r\nContent-Length: 5\r\n\r\nhello"),
            "hello",
            Ok(false),
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
            "hello",
            Ok(false),
        ),
        (
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
            "hello",
            Ok(true),
        ),
        (
            format!("{OK}Content-Length: 50\r\n\r\nhello"),
            "hello",
            Err(DecodeError::Truncated),
        ),
        (format!("{CHUNKED}5\r\nhel"), "hel", Err(DecodeError::Truncated)),
        (
            format!("{CHUNKED}5\r\nhello\r\n"),
            "hello",
            Err(DecodeError::Truncated),
        ),
        (
            format!("{CHUNKED}5\r\nhello\r\n0\r\n"),
            "hello",
            Err(DecodeError::Truncated),
        ),
        (
            format!("{CHUNKED}5\r\nhello\r\nxyz\r\n"),
            "hello",
            Err(DecodeError::Chunk(ChunkError::Size)),
        ),
        (
            format!("{CHUNKED}5\r\nhelloXX"),
            "hello",
            Err(DecodeError::Chunk(ChunkError::DataEnd)),
        ),
    ] {
        assert_eq!(get(&wire), (Some(200), body.to_owned(), end), "{wire:?}");
    }
}

#[test]
fn some_answers_have_no_body_whatever_they_announce() {
    for (method, head, status, reusable) in [
        (
            Method::HEAD,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            200,
            true,
        ),
        (Method::HEAD, CHUNKED, 200, true),
        (Method::HEAD, "HTTP/1.1 200 OK\r\n\r\n", 200, true),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n", 204, true),
        (
            Method::GET,
            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
            204,
            true,
        ),
        (
            Method::GET,
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            304,
            true,
        ),
        (
            Method::GET,
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
            204,
            false,
        ),
    ] {
        let none = (Some(status), String::new(), Ok(reusable));
        assert_eq!(answered(method.clone(), head), none, "{method} {head:?}");
        let surplus = (Some(status), String::new(), Ok(false));
        assert_eq!(answered(method.clone(), &format!("{head}hello")), surplus);
    }
}

#[test]
fn what_is_no_head_is_refused() {
    for (wire, error) in [
        ("", DecodeError::Empty),
        ("HTTP/1.1 200 OK\r\nX-", DecodeError::EofInHead),
        ("zzz\r\n\r\n", HeadError::StatusLine.into()),
        ("Content-Type: a/b\r\n\r\n", HeadError::StatusLine.into()),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", HeadError::StatusLine.into()),
        ("HTTP/2.0 200 OK\r\n\r\n", HeadError::StatusLine.into()),
        (
            "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
            HeadError::SpaceBeforeColon.into(),
        ),
        ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", HeadError::Folded.into()),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            HeadError::Coding.into(),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            HeadError::ConflictingLength.into(),
        ),
        (
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
            DecodeError::Upgrade,
        ),
    ] {
        assert_eq!(get(wire), (None, String::new(), Err(error)), "{wire:?}");
    }
    let large = format!("{OK}X: {}\r\n\r\n", "x".repeat(400));
    assert_eq!(get(&large).2, Err(HeadError::TooLarge(400).into()));
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(20);
    assert_eq!(get(&endless).2, Err(HeadError::TooLarge(400).into()));
}

#[test]
fn interim_answers_come_before_the_final_one() {
    let wire = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 X\r\n\r\n\
                HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let answer = run(KEEP, &samples::request(Method::GET), wire);
    assert_eq!(answer.summary(), (Some(200), &b"ok"[..], Ok(true)));
    let seen: Vec<_> = answer
        .interim
        .iter()
        .map(|head| (head.status.as_u16(), head.fields.get(FieldName::Link)))
        .collect();
    assert_eq!(seen, [(100, None), (103, Some(&b"</a>"[..])), (102, None)]);
}

/// A request of a client that takes trailers.
fn taking_trailers(method: Method) -> RequestHead {
    RequestHead {
        trailers: true,
        ..samples::request(method)
    }
}

const ANNOUNCED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";

#[test]
fn trailers_come_behind_the_body_of_a_client_that_takes_them() {
    let wire = format!(
        "{ANNOUNCED}5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 3\r\nset-cookie: a\r\nx-Sum:2\r\n\r\n"
    );
    let answer = run(KEEP, &taking_trailers(Method::GET), &wire);
    assert_eq!(answer.summary(), (Some(200), &b"hello"[..], Ok(true)));
    let expected: Fields = [("X-Sum", "1"), ("x-Sum", "2")].into_iter().collect();
    assert_eq!(answer.trailers, Some(expected));
    let head = answer.head.unwrap();
    assert_eq!(head.fields.get(FieldName::Trailer), Some(&b"X-Sum"[..]));

    let answer = run(KEEP, &samples::request(Method::GET), &wire);
    assert_eq!(answer.summary(), (Some(200), &b"hello"[..], Ok(true)));
    assert_eq!(answer.trailers, None);
    assert!(!answer.head.unwrap().fields.contains(FieldName::Trailer));
}

#[test]
fn an_answer_without_chunks_announces_no_trailers() {
    for (method, head) in [
        (Method::HEAD, ANNOUNCED),
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 0\r\n\r\n",
        ),
    ] {
        let answer = run(KEEP, &taking_trailers(method), head);
        assert_eq!(answer.end, Some(Ok(true)));
        assert!(!answer.head.unwrap().fields.contains(FieldName::Trailer));
    }
}

#[test]
fn trailers_beyond_their_limit_are_dropped_with_their_connection() {
    let last = format!("{CHUNKED}5\r\nhello\r\n0\r\n");
    for trailers in [
        format!("X-Large: {}\r\n\r\n", "x".repeat(400)),
        "X-Many: 1\r\n".repeat(9) + "\r\n",
        format!("X-Endless: {}", "x".repeat(5000)),
        "no field\r\n\r\n".to_owned(),
        "\n".to_owned(),
    ] {
        for request in [taking_trailers(Method::GET), samples::request(Method::GET)] {
            let answer = run(KEEP, &request, &format!("{last}{trailers}"));
            assert_eq!(
                answer.summary(),
                (Some(200), &b"hello"[..], Ok(false)),
                "{trailers:?}"
            );
            assert_eq!(answer.trailers, None);
        }
    }
}

fn upgrading(offered: &str) -> RequestHead {
    let mut request = samples::request(Method::GET);
    request.fields = [("Connection", "upgrade"), ("Upgrade", offered)]
        .into_iter()
        .collect();
    request.upgrade = true;
    request
}

#[test]
fn everything_behind_a_switch_is_opaque() {
    let wire = b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    for step in 1..=wire.len() {
        let mut exchange = exchange(KEEP, &upgrading("x, websocket"));
        let (mut src, mut events) = (BytesMut::new(), Vec::new());
        for piece in wire.chunks(step) {
            src.extend_from_slice(piece);
            while let Some(event) = exchange.decode(&mut src).unwrap() {
                events.push(event);
            }
        }
        let [Event::Head(head), Event::Switched] = &events[..] else {
            panic!("{events:?}");
        };
        assert!(head.upgrade && head.fields.get(FieldName::Upgrade) == Some(b"WebSocket"));
        assert_eq!(src, b"HTTP/1.1 200 OK\r\n\r\n"[..]);
    }
}

#[test]
fn only_what_was_offered_may_be_switched_to() {
    let other = "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
    let unnamed = "HTTP/1.1 101 X\r\nConnection: upgrade\r\n\r\n";
    for wire in [other, unnamed] {
        let answer = run(KEEP, &upgrading("websocket"), wire);
        assert_eq!(answer.end, Some(Err(DecodeError::OtherProtocol)), "{wire:?}");
    }
    let declined = run(
        KEEP,
        &upgrading("websocket"),
        "HTTP/1.1 426 X\r\nUpgrade: a\r\nContent-Length: 0\r\n\r\n",
    );
    let head = declined.head.unwrap();
    assert_eq!(
        (head.status.as_u16(), head.fields.get(FieldName::Upgrade)),
        (426, Some(&b"a"[..]))
    );
    assert_eq!(declined.end, Some(Ok(true)));
}

#[test]
fn a_connection_for_one_request_is_not_used_again() {
    let once = Http1 { keep: false, ..KEEP };
    let answer = run(
        once,
        &samples::request(Method::GET),
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(answer.end, Some(Ok(false)));
}

/// A request as it goes over the wire.
fn written(request: &RequestHead, pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut queue = WriteQueue::new();
    let mut exchange = KEEP.begin(request, &mut queue).unwrap();
    for piece in pieces {
        exchange.push_body(Bytes::from(piece.clone()), &mut queue);
    }
    exchange.finish_body(&mut queue);
    let length = queue.remaining();
    queue.copy_to_bytes(length).to_vec()
}

#[test]
fn an_empty_piece_does_not_end_a_body() {
    let mut request = samples::request(Method::POST);
    request.chunked = true;
    let wire = written(&request, &[b"hello".to_vec(), vec![], b"!".to_vec()]);
    assert!(wire.ends_with(b"\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"));
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("x-[a-zA-Z0-9_]{1,8}", "[!-~]([ -~]{0,10}[!-~])?"), 0..6)
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 0..4)
}

fn fields(pairs: &[(String, String)]) -> Fields {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// The body of a message whose head is gone.
fn body(framing: Framing, src: &mut BytesMut) -> Vec<u8> {
    let mut decoder = BodyDecoder::new(framing, ChunkLimits::default());
    let mut body = Vec::new();
    while let Some(BodyPart::Data(data)) = decoder.decode(src).unwrap() {
        body.extend_from_slice(&data);
    }
    assert!(decoder.is_done() && src.is_empty());
    body
}

/// Parts of answers, good and bad.
const PARTS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 404\n",
    "HTTP/1.1 103 X\r\n",
    "HTTP/1.1 204 X\r\n",
    "HTTP/1.1 101 X\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "X: y\r\n",
    "\r\n",
    "\n",
    "5\r\nhello\r\n",
    "5;a=\"b\"\r\nhello\r\n",
    "0\r\n\r\n",
    "hello",
    "\r",
    "\0",
];

proptest! {
    /// Whatever comes, and however it is cut: the same answer, and no panic.
    #[test]
    fn an_answer_does_not_depend_on_its_pieces(
        parts in prop::collection::vec(prop::sample::select(PARTS), 0..12), step in 1..40usize, head: bool,
    ) {
        let wire = parts.concat();
        let request = samples::request(if head { Method::HEAD } else { Method::GET });
        let whole = replay(&mut *exchange(KEEP, &request), wire.as_bytes(), wire.len().max(1));
        let mut pieces = replay(&mut *exchange(KEEP, &request), wire.as_bytes(), step);
        if whole.end == Some(Ok(false)) && pieces.end == Some(Ok(true)) {
            pieces.end = whole.end;
        }
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn a_server_reads_what_a_client_writes(extra in pairs(), pieces in pieces(), chunked: bool) {
        let mut request = samples::request(Method::PUT);
        request.fields = fields(&extra);
        request.fields.append(FieldName::Host, "a.example");
        let sent = pieces.concat();
        (request.chunked, request.content_length) = (chunked, (!chunked).then_some(sent.len() as u64));
        let mut src = BytesMut::from(&written(&request, &pieces)[..]);
        let limits = Limits { size: 4000, fields: 20 };
        let read = RequestDecoder::new(limits).decode(&mut src).unwrap().unwrap();
        prop_assert_eq!((&read.method, &read.target, read.persistent), (&request.method, &request.target, true));
        let got: Vec<_> = read.fields.iter().map(|field| (field.spelling, field.value)).collect();
        let expected: Vec<_> = request.fields.iter().map(|field| (field.spelling, field.value)).collect();
        prop_assert_eq!(&got[..expected.len()], &expected[..]);
        prop_assert_eq!(body(read.framing, &mut src), sent);
    }

    #[test]
    fn a_client_reads_what_a_server_writes(
        extra in pairs(), pieces in pieces(), chunked: bool, close: bool, step in 1..9000usize,
    ) {
        let own = fields(&extra);
        let sent = pieces.concat();
        let mut wire = Vec::new();
        answer::put_head(&answer::Head {
            status: StatusCode::OK,
            fields: &own,
            length: (!chunked).then_some(sent.len() as u64),
            chunked,
            date: b"Sun, 06 Nov 1994 08:49:37 GMT",
            connection: if close { Connection::Close } else { Connection::Implied },
        }, &mut wire);
        match chunked {
            false => wire.extend_from_slice(&sent),
            true => {
                for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                    put_chunk_size(piece.len(), &mut wire);
                    wire.extend_from_slice(piece);
                    wire.extend_from_slice(b"\r\n");
                }
                wire.extend_from_slice(LAST_CHUNK);
            }
        }
        let read = replay(&mut *exchange(KEEP, &samples::request(Method::GET)), &wire, step);
        prop_assert_eq!(read.summary(), (Some(200), &sent[..], Ok(!close)));
        let head = read.head.unwrap();
        let got: Vec<_> = head.fields.iter().map(|field| (field.spelling, field.value)).collect();
        let expected: Vec<_> = own.iter().map(|field| (field.spelling, field.value)).collect();
        prop_assert_eq!(&got[..expected.len()], &expected[..]);
    }
}
