use super::*;
use crate::protocol::application::Application as _;
use crate::protocol::fastcgi::{put_get_values, put_pair};

const ALL: &[Role] = &[Role::Responder, Role::Authorizer, Role::Filter];

fn record(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let header = Header {
        padding: 3,
        ..Header::new(Kind::from_number(kind), id, content.len())
    };
    [&header.to_bytes()[..], content, &[0xaa; 3]].concat()
}

fn begin(id: u16, role: u8, flags: u8) -> Vec<u8> {
    record(1, id, &[0, role, flags, 0, 0, 0, 0, 0])
}

fn params() -> Vec<u8> {
    let mut content = BytesMut::new();
    put_pair(b"REQUEST_METHOD", b"POST", &mut content);
    put_pair(b"CONTENT_LENGTH", b"5", &mut content);
    let (left, right) = content.split_at(9); // inside the first pair
    [record(4, 1, left), record(4, 1, right), record(4, 1, b"")].concat()
}

fn request(role: Role) -> Received {
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    Received::Request(Request {
        role,
        params: vec![
            (bytes("REQUEST_METHOD"), bytes("POST")),
            (bytes("CONTENT_LENGTH"), bytes("5")),
        ],
    })
}

/// What is received, with neighbouring pieces joined; what is answered; the error at the end.
fn run(records: &[Vec<u8>]) -> (Vec<Received>, Vec<u8>, Option<DecodeError>) {
    let wire = records.concat();
    let whole = replay(&wire, wire.len());
    for step in 1..wire.len() {
        assert_eq!(replay(&wire, step), whole, "step {step}");
    }
    whole
}

fn replay(wire: &[u8], step: usize) -> (Vec<Received>, Vec<u8>, Option<DecodeError>) {
    let ours = Capabilities {
        mpxs_conns: Some(false),
        ..Capabilities::default()
    };
    let mut application = Application::new(ALL, ours, Limits::default());
    let (mut out, mut src, mut all) = (WriteQueue::new(), BytesMut::new(), Vec::new());
    let mut error = None;
    for piece in wire.chunks(step) {
        src.extend_from_slice(piece);
        loop {
            match application.decode(&mut src, &mut out) {
                Ok(Some(event)) => join(&mut all, event),
                Ok(None) => break,
                Err(found) => {
                    error = error.or(Some(found));
                    break;
                }
            }
        }
        if error.is_some() {
            break;
        }
    }
    let error = error.or(application.decode_eof().err());
    (all, out.tail().to_vec(), error)
}

fn join(all: &mut Vec<Received>, event: Received) {
    match (all.last_mut(), event) {
        (Some(Received::Body(before)), Received::Body(piece))
        | (Some(Received::Data(before)), Received::Data(piece)) => {
            *before = [&before[..], &piece].concat().into();
        }
        (_, event) => all.push(event),
    }
}

fn body(text: &'static str) -> Received {
    Received::Body(Bytes::from_static(text.as_bytes()))
}

#[test]
fn responder_gets_variables_and_body() {
    let records = [
        begin(1, 1, 1),
        params(),
        record(5, 1, b"he"),
        record(5, 1, b"llo"),
        record(5, 1, b""),
    ];
    let expected = vec![request(Role::Responder), body("hello"), Received::BodyEnd];
    assert_eq!(run(&records), (expected, vec![], None));
}

#[test]
fn what_exceeds_the_announced_length_is_dropped() {
    let records = [
        begin(1, 1, 1),
        params(),
        record(5, 1, b"hel"),
        record(5, 1, b"lo and more"),
        record(5, 1, b"and more"),
        record(5, 1, b""),
    ];
    let expected = vec![request(Role::Responder), body("hello"), Received::BodyEnd];
    assert_eq!(run(&records), (expected, vec![], None));
}

#[test]
fn filter_gets_data_after_the_body() {
    let records = [
        begin(1, 3, 0),
        params(),
        record(5, 1, b"hello"),
        record(5, 1, b""),
        record(8, 1, b"file"),
        record(8, 1, b""),
    ];
    let data = Received::Data(Bytes::from_static(b"file"));
    let expected = vec![
        request(Role::Filter),
        body("hello"),
        Received::BodyEnd,
        data,
        Received::DataEnd,
    ];
    assert_eq!(run(&records), (expected, vec![], None));
}

#[test]
fn authorizer_gets_no_data() {
    let records = [begin(1, 2, 0), params(), record(5, 1, b""), record(8, 1, b"x")];
    let expected = vec![request(Role::Authorizer), Received::BodyEnd];
    assert_eq!(run(&records), (expected, vec![], Some(DecodeError::Order(8))));
}

#[test]
fn unknown_roles_are_rejected() {
    let (received, answer, error) = run(&[begin(1, 4, 1), params(), begin(7, 9, 0)]);
    let rejected = |close| Received::Rejected { close };
    assert_eq!((received, error), (vec![rejected(false), rejected(true)], None));
    let end = |id: u8| [1, 3, 0, id, 0, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0];
    assert_eq!(answer, [end(1), end(7)].concat());
}

#[test]
fn second_request_cannot_be_multiplexed() {
    let records = [
        begin(1, 1, 1),
        begin(2, 1, 0),
        record(4, 2, b"\x01\x01Av"),
        params(),
        record(5, 2, b"other"),
        record(5, 1, b""),
    ];
    let (received, answer, error) = run(&records);
    assert_eq!(
        (received, error),
        (vec![request(Role::Responder), Received::BodyEnd], None)
    );
    assert_eq!(answer, [1, 3, 0, 2, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn management_is_answered_at_any_time() {
    let mut query = BytesMut::new();
    put_get_values(&mut query);
    let records = [
        begin(1, 1, 1),
        query.to_vec(),
        record(77, 0, b"abc"),
        record(10, 0, b""),
        params(),
        record(5, 1, b""),
    ];
    let (received, answer, error) = run(&records);
    assert_eq!((received.len(), error), (2, None));
    let values = b"\x01\x0a\0\0\0\x12\0\0\x0f\x01FCGI_MPXS_CONNS0".as_slice();
    let unknown = b"\x01\x0b\0\0\0\x08\0\0\x4d\0\0\0\0\0\0\0";
    assert_eq!(answer, [values, unknown].concat());
}

#[test]
fn inactive_ids_and_unknown_types_are_ignored() {
    let records = [
        record(4, 9, b"junk"),
        record(5, 9, b"junk"),
        begin(1, 1, 0),
        record(42, 1, b"junk"),
        params(),
        record(6, 3, b"junk"),
        record(5, 1, b""),
        record(5, 1, b""),
    ];
    let expected = vec![request(Role::Responder), Received::BodyEnd];
    assert_eq!(run(&records), (expected, vec![], None));
}

#[test]
fn abort_is_told() {
    let records = [begin(1, 1, 0), params(), record(2, 1, b"")];
    let expected = vec![request(Role::Responder), Received::Abort];
    assert_eq!(run(&records), (expected, vec![], Some(DecodeError::Truncated)));
}

#[test]
fn violations_have_names() {
    use DecodeError as E;
    for (records, error) in [
        (
            vec![record(1, 1, b"short")],
            E::RecordLength { kind: 1, length: 5 },
        ),
        (vec![begin(0, 1, 0)], E::ManagementId(1)),
        (vec![begin(1, 1, 0), begin(1, 1, 0)], E::Order(1)),
        (vec![begin(1, 1, 0), record(5, 1, b"x")], E::Order(5)),
        (vec![begin(1, 1, 0), record(5, 1, b"")], E::Order(5)),
        (vec![begin(1, 1, 0), params(), record(4, 1, b"x")], E::Order(4)),
        (
            vec![begin(1, 1, 0), params(), record(5, 1, b""), record(5, 1, b"x")],
            E::Order(5),
        ),
        (vec![begin(1, 1, 0), record(6, 1, b"x")], E::Direction(6)),
        (
            vec![begin(1, 1, 0), record(4, 1, b"\x01"), record(4, 1, b"")],
            E::PairOverrun,
        ),
        (
            vec![begin(1, 1, 0), record(4, 1, b"\x01\xff\xff\xff\xff")],
            E::BlockTooLarge(65_535),
        ),
        (vec![vec![2; 8]], E::Version(2)),
    ] {
        assert_eq!(run(&records).2, Some(error), "{records:?}");
    }
}

#[test]
fn kept_connections_take_the_next_request() {
    let wire = [begin(1, 1, 1), params(), record(5, 1, b"unread")].concat();
    let mut src = BytesMut::from(&wire[..]);
    let mut out = WriteQueue::new();
    let mut application = Application::responder(Limits::default());
    assert_eq!(
        application.decode(&mut src, &mut out),
        Ok(Some(request(Role::Responder)))
    );
    application.write(Output::Diagnostics, Bytes::from_static(b"e"), &mut out);
    application.write(Output::Response, Bytes::from_static(b"ok"), &mut out);
    assert!(application.end(9, &mut out));
    let expected = b"\x01\x07\0\x01\0\x01\0\0e\x01\x06\0\x01\0\x02\0\0ok\
        \x01\x06\0\x01\0\0\0\0\x01\x07\0\x01\0\0\0\0\x01\x03\0\x01\0\x08\0\0\0\0\0\x09\0\0\0\0";
    assert_eq!(out.tail(), &expected[..]);
    src.extend_from_slice(&[record(5, 1, b""), begin(1, 1, 0), params()].concat());
    assert_eq!(
        application.decode(&mut src, &mut out),
        Ok(Some(request(Role::Responder)))
    );
    assert!(!application.end(0, &mut out));
}

#[test]
fn rejection_is_not_an_answer() {
    let mut src = BytesMut::from(&[begin(1, 1, 1), params()].concat()[..]);
    let mut out = WriteQueue::new();
    let mut application = Application::responder(Limits::default());
    application.decode(&mut src, &mut out).unwrap();
    assert!(application.reject(ProtocolStatus::Overloaded, &mut out));
    assert_eq!(out.tail(), &[1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0][..]);
}
