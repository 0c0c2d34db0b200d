//! The sent side through the application's decoder.

use bridgehead::protocol::application::{Application, Received, Request};
use bridgehead::protocol::{Limits, WriteQueue, fastcgi, scgi, uwsgi};
use bytes::BytesMut;
use http::Method;

use crate::fixture::{Body, Fixture, Wire};

/// A request with its pieces put together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    request: Option<Request>,
    body: Vec<u8>,
    complete: bool,
    /// What the protocol itself answers.
    answer: Vec<u8>,
}

pub(crate) fn check(fixture: &Fixture) {
    for turn in &fixture.exchanges {
        let length = turn.sent.len();
        let mut application = application(fixture.wire);
        let whole = replay(&mut *application, &turn.sent, &[length]);
        if turn.expected.values.is_empty() {
            compare(&whole, fixture);
        } else {
            assert!(
                whole.request.is_none() && !whole.answer.is_empty(),
                "{}",
                fixture.name
            );
        }
        for cut in crate::cuts(length) {
            let mut application = self::application(fixture.wire);
            let seen = replay(&mut *application, &turn.sent, &cut);
            assert!(seen == whole, "{} cut into {cut:?}", fixture.name);
        }
    }
    check_sequence(fixture);
}

/// The method of each request; GET where there is none.
pub(crate) fn methods(fixture: &Fixture) -> Vec<Method> {
    let method = |sent: &[u8]| {
        let seen = replay(&mut *application(fixture.wire), sent, &[sent.len()]);
        let name = seen.request?.param("REQUEST_METHOD")?.clone();
        Method::from_bytes(&name).ok()
    };
    let turns = fixture.exchanges.iter();
    turns
        .map(|turn| method(&turn.sent).unwrap_or(Method::GET))
        .collect()
}

/// All requests of a connection, one after the other, through one decoder.
fn check_sequence(fixture: &Fixture) {
    let mut application = application(fixture.wire);
    for turn in &fixture.exchanges {
        let seen = replay(&mut *application, &turn.sent, &[turn.sent.len()]);
        assert!(
            seen.complete || !turn.expected.values.is_empty(),
            "{}",
            fixture.name
        );
        let kept = application.end(0, &mut WriteQueue::new());
        assert!(kept || fixture.exchanges.len() == 1, "{}", fixture.name);
    }
}

fn compare(seen: &Seen, fixture: &Fixture) {
    let name = &fixture.name;
    let request = seen
        .request
        .as_ref()
        .unwrap_or_else(|| panic!("{name}: no request"));
    assert!(request.param("REQUEST_METHOD").is_some(), "{name}");
    let length = request.content_length().expect("a length");
    assert_eq!((seen.complete, seen.body.len() as u64), (true, length), "{name}");
    let echoes = name.contains("echo") && fixture.exchanges.len() == 1;
    if echoes && let Some(Body::Bytes(body)) = &fixture.exchanges[0].expected.body {
        assert_eq!(seen.body, *body, "{name}");
    }
}

fn replay(application: &mut dyn Application, wire: &[u8], cut: &[usize]) -> Seen {
    let (mut out, mut src, mut rest) = (WriteQueue::new(), BytesMut::new(), wire);
    let mut seen = Seen::default();
    for &length in cut {
        let (piece, after) = rest.split_at(length);
        src.extend_from_slice(piece);
        rest = after;
        while let Some(event) = application.decode(&mut src, &mut out).expect("a request") {
            match event {
                Received::Request(request) => seen.request = Some(request),
                Received::Body(piece) => seen.body.extend_from_slice(&piece),
                Received::BodyEnd => seen.complete = true,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(src.is_empty(), "left over");
    application.decode_eof().expect("a complete request");
    seen.answer = out.tail().to_vec();
    seen
}

fn application(wire: Wire) -> Box<dyn Application> {
    let limits = Limits::default();
    match wire {
        Wire::FastCgi => Box::new(fastcgi::Application::responder(limits)),
        Wire::Uwsgi => Box::new(uwsgi::Application::new(0, true, limits)),
        Wire::Scgi => Box::new(scgi::Application::new(limits)),
    }
}
