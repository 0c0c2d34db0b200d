use super::*;
use crate::protocol::http1::ChunkError;
use crate::protocol::samples::{Replayed, replay, request};

fn run(head: &RequestHead, shape: Shape, reuse: bool, wire: &[u8]) -> Replayed {
    let fresh = || Unframed::new(head, shape, Limits::default(), reuse);
    let whole = replay(&mut fresh(), wire, wire.len().max(1));
    for step in 1..wire.len() {
        let mut pieces = replay(&mut fresh(), wire, step);
        // Bytes behind the end are only seen when they come with it.
        if whole.end == Some(Ok(false)) && pieces.end == Some(Ok(true)) {
            pieces.end = whole.end;
        }
        assert_eq!(pieces, whole, "step {step}");
    }
    whole
}

fn get(wire: &str) -> (Option<u16>, Vec<u8>, Result<bool, DecodeError>) {
    let answer = run(&request(Method::GET), Shape::Http, true, wire.as_bytes());
    let (status, body, end) = answer.summary();
    (status, body.to_vec(), end)
}

#[test]
fn http_answers_end_at_their_length_or_at_the_end_of_the_stream() {
    use DecodeError as E;
    for (wire, status, body, end) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            200,
            "hello",
            Ok(true),
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", Ok(true)),
        ("HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello", Ok(false)),
        ("HTTP/1.1 200 OK\r\n\r\n", 200, "", Ok(false)),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            200,
            "hello",
            Ok(false),
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\nhello",
            200,
            "hello",
            Ok(false),
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 3\n\nhello",
            200,
            "hel",
            Ok(false),
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 5\n\nhelloHTTP/1.1 500 X\n\n",
            200,
            "hello",
            Ok(false),
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 50\n\nhello",
            200,
            "hello",
            Err(E::Truncated),
        ),
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2;a\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\nEVIL",
            200,
            "hello",
            Ok(false),
        ),
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\r\nhel",
            200,
            "hel",
            Err(E::Truncated),
        ),
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\r\nhelloXX",
            200,
            "hello",
            Err(E::Chunk(ChunkError::DataEnd)),
        ),
        (
            "HTTP/1.1 204 X\nTransfer-Encoding: chunked\n\nhello",
            204,
            "",
            Ok(false),
        ),
        ("HTTP/1.1 204 X\nContent-Length: 5\n\nhello", 204, "", Ok(false)),
        ("HTTP/1.1 304 X\nContent-Length: 5\n\nhello", 304, "", Ok(false)),
        (
            "HTTP/1.1 100 C\n\nHTTP/1.1 200 OK\n\nhello",
            200,
            "hello",
            Ok(false),
        ),
        (
            "HTTP/1.1 103 E\nLink: x\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
            200,
            "hi",
            Ok(true),
        ),
        (
            "Status: 404\r\nContent-Type: a/b\r\n\r\nhello",
            404,
            "hello",
            Ok(false),
        ),
    ] {
        assert_eq!(
            get(wire),
            (Some(status), body.as_bytes().to_vec(), end),
            "{wire:?}"
        );
    }
}

#[test]
fn what_is_no_answer_is_an_error_with_a_name() {
    use super::super::head::HeadError;
    use DecodeError as E;
    for (wire, error) in [
        ("", E::Empty),
        ("zzz", E::EofInHead),
        ("HTTP/1.1 200 OK\r\nX: y\r\n", E::EofInHead),
        ("HTTP/1.1 100 C\n\n", E::EofInHead),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            E::Upgrade,
        ),
        ("HTTP/1.1 1000\r\n\r\n", E::Head(HeadError::StatusLine)),
        ("Content-Type: a/b\r\n\r\nhello", E::Head(HeadError::NoStatus)),
    ] {
        assert_eq!(get(wire), (None, vec![], Err(error)), "{wire:?}");
    }
}

#[test]
fn head_requests_get_no_body_and_end_at_once() {
    let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let mut exchange = Unframed::new(&request(Method::HEAD), Shape::Http, Limits::default(), true);
    let mut src = BytesMut::from(&wire[..]);
    assert!(matches!(exchange.decode(&mut src), Ok(Some(Event::Head(_)))));
    assert!(matches!(
        exchange.decode(&mut src),
        Ok(Some(Event::End { reusable: false }))
    ));
    let answer = run(
        &request(Method::HEAD),
        Shape::Http,
        true,
        &[&wire[..], b"hello"].concat(),
    );
    assert_eq!(answer.summary(), (Some(200), &b""[..], Ok(false)));
}

#[test]
fn reuse_is_for_the_configuration_to_allow() {
    let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let answer = run(&request(Method::GET), Shape::Http, false, wire);
    assert_eq!(answer.summary(), (Some(200), &b"hello"[..], Ok(false)));
}

#[test]
fn accepted_upgrade_makes_the_rest_opaque() {
    let head = RequestHead {
        upgrade: true,
        ..request(Method::GET)
    };
    let wire = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n\x81\x05hello";
    let answer = run(&head, Shape::Http, true, wire);
    assert_eq!(answer.summary(), (Some(101), &b"\x81\x05hello"[..], Ok(false)));
    assert!(answer.head.unwrap().upgrade);
}

#[test]
fn cgi_answers_end_with_the_stream() {
    let answer = run(
        &request(Method::GET),
        Shape::Cgi,
        false,
        b"Status: 201 X\r\nContent-Type: a/b\r\n\r\nhello",
    );
    assert_eq!(answer.summary(), (Some(201), &b"hello"[..], Ok(false)));
}
