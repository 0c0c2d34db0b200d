//! What the codecs' tests share: a request, and the replay of an answer in pieces.

use bytes::BytesMut;
use http::{Method, Version};

use super::fields::Fields;
use super::params::{PathInfo, Style, StyleKind};
use super::request::{Client, RequestId, Script};
use super::{DecodeError, Event, Exchange, InterimHead, RequestHead, ResponseHead, Target};

/// A request without fields or body.
pub(crate) fn request(method: Method) -> RequestHead {
    RequestHead {
        method,
        target: Target::from_static("/x?q=1"),
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

/// How a protocol that does not care wants its variables.
pub(crate) fn style(kind: StyleKind) -> Style {
    Style {
        path_info: PathInfo::Decoded,
        empty_path_info: true,
        kind,
    }
}

/// An answer with its pieces put together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    pub(crate) head: Option<ResponseHead>,
    pub(crate) body: BytesMut,
    pub(crate) stderr: BytesMut,
    pub(crate) interim: Vec<InterimHead>,
    pub(crate) trailers: Option<Fields>,
    pub(crate) switched: bool,
    /// Whether the connection could be used again, or what went wrong.
    pub(crate) end: Option<Result<bool, DecodeError>>,
}

impl Replayed {
    /// Status, body and end.
    pub(crate) fn summary(&self) -> (Option<u16>, &[u8], Result<bool, DecodeError>) {
        let status = self.head.as_ref().map(|head| head.status.as_u16());
        (status, &self.body, self.end.expect("an end"))
    }
}

/// Decodes `wire`, which arrives `step` bytes at a time and ends.
pub(crate) fn replay(exchange: &mut dyn Exchange, wire: &[u8], step: usize) -> Replayed {
    let mut answer = Replayed::default();
    let mut src = BytesMut::new();
    for piece in wire.chunks(step) {
        src.extend_from_slice(piece);
        while answer.end.is_none() {
            match exchange.decode(&mut src) {
                Ok(None) => break,
                event => answer.add(event.transpose().expect("an event")),
            }
        }
    }
    if answer.end.is_none() {
        answer.add(exchange.decode_eof());
    }
    answer
}

impl Replayed {
    fn add(&mut self, event: Result<Event, DecodeError>) {
        match event {
            Ok(Event::Head(head)) => {
                assert!(self.head.is_none(), "two heads");
                self.head = Some(*head);
            }
            Ok(Event::Body(piece)) => {
                assert!(self.head.is_some() && !piece.is_empty());
                self.body.extend_from_slice(&piece);
            }
            Ok(Event::Trailers(fields)) => {
                assert!(self.head.is_some() && self.trailers.is_none() && !fields.is_empty());
                self.trailers = Some(*fields);
            }
            Ok(Event::Interim(head)) => {
                assert!(self.head.is_none(), "an interim head behind the final one");
                self.interim.push(*head);
            }
            Ok(Event::Switched) => {
                assert!(self.head.as_ref().is_some_and(|head| head.upgrade) && !self.switched);
                self.switched = true;
            }
            Ok(Event::Stderr(piece)) => self.stderr.extend_from_slice(&piece),
            Ok(Event::End { reusable }) => self.end = Some(Ok(reusable)),
            Err(error) => self.end = Some(Err(error)),
        }
    }
}
