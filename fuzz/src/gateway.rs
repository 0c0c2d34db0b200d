//! Answers through the gateway's decoders.

use bridgehead::protocol::fields::{FieldName, Fields};
use bridgehead::protocol::params::{PathInfo, Style, StyleKind};
use bridgehead::protocol::request::{Client, RequestId, Script};
use bridgehead::protocol::{
    DecodeError, Event, Exchange, Protocol, RequestHead, ResponseHead, Target, WriteQueue,
};
use bytes::BytesMut;
use http::{Method, Version};

use crate::Pieces;

/// An answer with its pieces put together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    head: Option<ResponseHead>,
    body: Vec<u8>,
    stderr: Vec<u8>,
    interim: usize,
    trailers: Option<Fields>,
    /// The connection is another protocol's.
    switched: bool,
    /// Ended, or what went wrong. Reuse depends on what has arrived behind the end.
    end: Option<Result<(), DecodeError>>,
}

/// Replays the input in one piece and cut, for a GET, a HEAD, and in HTTP for a GET that asks for an upgrade.
pub fn check(protocol: &dyn Protocol, pieces: &Pieces<'_>) {
    let mut requests = vec![request(Method::GET), request(Method::HEAD)];
    if protocol.name() == "http" {
        requests.push(upgrading());
        requests.push(RequestHead {
            trailers: true,
            ..request(Method::GET)
        });
    }
    for request in requests {
        let whole = replay(protocol, &request, pieces.whole());
        let cut = replay(protocol, &request, pieces.cut());
        assert_eq!(whole, cut);
        check_answer(&whole, &request, protocol.name());
    }
}

fn replay<'a>(
    protocol: &dyn Protocol,
    request: &RequestHead,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Answer {
    let begun = protocol.begin(request, &mut WriteQueue::new());
    let mut exchange = begun.expect("a small request");
    let mut answer = Answer::default();
    let mut src = BytesMut::new();
    for piece in pieces {
        src.extend_from_slice(piece);
        answer.drain(&mut *exchange, &mut src);
        if answer.end.is_some() {
            return answer;
        }
    }
    answer.add(exchange.decode_eof());
    answer
}

impl Answer {
    fn drain(&mut self, exchange: &mut dyn Exchange, src: &mut BytesMut) {
        while self.end.is_none() {
            match exchange.decode(src).transpose() {
                Some(event) => self.add(event),
                None => return,
            }
        }
    }

    fn add(&mut self, event: Result<Event, DecodeError>) {
        match event {
            Ok(Event::Head(head)) => assert!(self.head.replace(*head).is_none(), "two heads"),
            Ok(Event::Body(piece)) => {
                assert!(self.head.is_some() && !piece.is_empty());
                self.body.extend_from_slice(&piece);
            }
            Ok(Event::Interim(head)) => {
                assert!(self.head.is_none() && (100..200).contains(&head.status.as_u16()));
                self.interim += 1;
            }
            Ok(Event::Trailers(fields)) => {
                assert!(self.head.is_some() && self.trailers.is_none() && !fields.is_empty());
                self.trailers = Some(*fields);
            }
            Ok(Event::Switched) => {
                assert!(self.head.as_ref().is_some_and(|head| head.upgrade) && !self.switched);
                self.switched = true;
            }
            Ok(Event::Stderr(piece)) => self.stderr.extend_from_slice(&piece),
            Ok(Event::End { .. }) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
    }
}

fn check_answer(answer: &Answer, request: &RequestHead, protocol: &str) {
    let Some(head) = &answer.head else {
        assert!(answer.body.is_empty() && answer.end != Some(Ok(())));
        return;
    };
    assert_eq!(answer.switched, head.upgrade);
    if answer.switched {
        assert!(request.upgrade && head.status.as_u16() == 101 && answer.body.is_empty());
        return;
    }
    let method = &request.method;
    assert!((200..1000).contains(&head.status.as_u16()), "{}", head.status);
    for name in [
        FieldName::Connection,
        FieldName::ContentLength,
        FieldName::TransferEncoding,
        FieldName::KeepAlive,
        FieldName::Te,
    ] {
        let behind = answer.trailers.as_ref();
        let through = head.fields.contains(name) || behind.is_some_and(|fields| fields.contains(name));
        assert!(!through, "{name:?} got through");
    }
    assert!(request.trailers || answer.trailers.is_none() && !head.fields.contains(FieldName::Trailer));
    // A field like any other to an HTTP server, and the answer itself in a 426.
    assert!(protocol == "http" || !head.fields.contains(FieldName::Status));
    assert!((protocol, head.status.as_u16()) == ("http", 426) || !head.fields.contains(FieldName::Upgrade));
    assert!(head.fields.len() <= crate::LIMITS.head.fields);
    let bodiless = method == Method::HEAD || [204, 304].contains(&head.status.as_u16());
    let length = answer.body.len() as u64;
    match head.length {
        _ if bodiless => assert_eq!(length, 0),
        Some(announced) if answer.end == Some(Ok(())) => assert_eq!(length, announced),
        Some(announced) => assert!(!head.chunked && length <= announced),
        None => {}
    }
}

/// A request without fields or body.
pub fn request(method: Method) -> RequestHead {
    RequestHead {
        method,
        target: Target::from_static("/"),
        version: Version::HTTP_11,
        fields: Fields::new(),
        client: Client::default(),
        script: Script::default(),
        server_name: None,
        host: None,
        content_length: None,
        chunked: false,
        upgrade: false,
        trailers: false,
        extra: Vec::new().into(),
        routed: None,
        id: RequestId(1),
    }
}

/// A request to change to one of two protocols.
fn upgrading() -> RequestHead {
    RequestHead {
        upgrade: true,
        fields: [("Connection", "upgrade"), ("Upgrade", "a, websocket")]
            .into_iter()
            .collect(),
        ..request(Method::GET)
    }
}

/// Variables as the specifications have them.
pub fn style(kind: StyleKind) -> Style {
    Style {
        path_info: PathInfo::Decoded,
        empty_path_info: true,
        kind,
    }
}
