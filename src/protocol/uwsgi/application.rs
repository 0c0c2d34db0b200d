//! The application's side.

use bytes::{Bytes, BytesMut};

use super::block;
use super::packet::Packet;
use crate::protocol::application::{self, Output, RawBody, Received, Request};
use crate::protocol::fastcgi::Role;
use crate::protocol::head::Shape;
use crate::protocol::{DecodeError, Limits, WriteQueue};

/// One connection of a uwsgi application.
#[derive(Debug)]
pub struct Application {
    modifier1: u8,
    /// Stay after an answer, as Gunicorn does; answers then need a `Content-Length`.
    keep: bool,
    limits: Limits,
    state: UwsgiState,
}

#[derive(Debug)]
enum UwsgiState {
    Packet,
    /// So many bytes of variables are next.
    Block(usize),
    Body(RawBody),
}

impl Application {
    /// A connection that takes packets with one `modifier1`. With `keep` it is used again after an answer.
    pub fn new(modifier1: u8, keep: bool, limits: Limits) -> Self {
        Self {
            modifier1,
            keep,
            limits,
            state: UwsgiState::Packet,
        }
    }

    fn accept(&mut self, packet: Packet) -> Result<(), DecodeError> {
        if packet.modifier1 != self.modifier1 {
            return Err(DecodeError::Modifier(packet.modifier1));
        }
        let size = usize::from(packet.size);
        if size > self.limits.block {
            return Err(DecodeError::BlockTooLarge(self.limits.block));
        }
        self.state = UwsgiState::Block(size);
        Ok(())
    }

    fn request(&mut self, block: &Bytes) -> Result<Received, DecodeError> {
        let request = Request {
            role: Role::Responder,
            params: block::parse(block, self.limits.params)?,
        };
        self.state = UwsgiState::Body(RawBody::new(request.content_length()?));
        Ok(Received::Request(request))
    }
}

impl application::Application for Application {
    fn shape(&self) -> Shape {
        Shape::Http
    }

    fn decode(&mut self, src: &mut BytesMut, _: &mut WriteQueue) -> Result<Option<Received>, DecodeError> {
        if let UwsgiState::Packet = self.state {
            let Some(packet) = Packet::take(src) else {
                return Ok(None);
            };
            self.accept(packet)?;
        }
        match &mut self.state {
            UwsgiState::Block(size) if src.len() >= *size => {
                let block = src.split_to(*size).freeze();
                self.request(&block).map(Some)
            }
            UwsgiState::Packet | UwsgiState::Block(_) => Ok(None),
            UwsgiState::Body(body) => Ok(body.decode(src)),
        }
    }

    fn decode_eof(&mut self) -> Result<(), DecodeError> {
        match &self.state {
            UwsgiState::Packet => Ok(()),
            UwsgiState::Body(body) if body.is_complete() => Ok(()),
            UwsgiState::Block(_) | UwsgiState::Body(_) => Err(DecodeError::Truncated),
        }
    }

    fn write(&mut self, stream: Output, chunk: Bytes, out: &mut WriteQueue) {
        if stream == Output::Response {
            out.push(chunk);
        }
    }

    /// A connection with an unread body on it is not worth keeping.
    fn end(&mut self, _: u32, _: &mut WriteQueue) -> bool {
        let complete = matches!(&self.state, UwsgiState::Body(body) if body.is_complete());
        self.state = UwsgiState::Packet;
        self.keep && complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::application::Application as _;

    fn received(wire: &[u8], step: usize) -> (Vec<Received>, Option<DecodeError>) {
        let limits = Limits {
            block: 100,
            params: 3,
            ..Limits::default()
        };
        let mut application = Application::new(0, false, limits);
        let (mut src, mut all) = (BytesMut::new(), Vec::new());
        for piece in wire.chunks(step) {
            src.extend_from_slice(piece);
            loop {
                match application.decode(&mut src, &mut WriteQueue::new()) {
                    Ok(Some(Received::Body(piece))) => match all.last_mut() {
                        Some(Received::Body(before)) => *before = [&before[..], &piece].concat().into(),
                        _ => all.push(Received::Body(piece)),
                    },
                    Ok(Some(event)) => all.push(event),
                    Ok(None) => break,
                    Err(error) => return (all, Some(error)),
                }
            }
        }
        (all, application.decode_eof().err())
    }

    #[test]
    fn variables_and_body_arrive_at_every_step() {
        let wire = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x005hellosurplus";
        let params = vec![(Bytes::from("CONTENT_LENGTH"), Bytes::from("5"))];
        let role = Role::Responder;
        let body = Received::Body(Bytes::from_static(b"hello"));
        let expected = vec![
            Received::Request(Request { role, params }),
            body,
            Received::BodyEnd,
        ];
        for step in 1..=wire.len() {
            assert_eq!(received(wire, step), (expected.clone(), None), "step {step}");
        }
    }

    #[test]
    fn violations_have_names() {
        for (wire, error) in [
            (&b"\x05\0\0\0"[..], DecodeError::Modifier(5)),
            (b"\0\x65\0\0", DecodeError::BlockTooLarge(100)),
            (b"\0\x01\0\0x", DecodeError::PairOverrun),
            (b"\0\x04\0\0\0\0\0\0", DecodeError::EmptyName),
            (
                b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\0x",
                DecodeError::ContentLength,
            ),
            (
                b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x005he",
                DecodeError::Truncated,
            ),
            (b"\0\x13\0\0\x0e\0", DecodeError::Truncated),
        ] {
            for step in 1..=wire.len() {
                assert_eq!(received(wire, step).1, Some(error), "{wire:?}");
            }
        }
    }

    #[test]
    fn kept_connection_takes_the_next_request() {
        let mut application = Application::new(0, true, Limits::default());
        let mut src = BytesMut::from(&b"\0\0\0\0\0\0\0\0"[..]);
        let mut out = WriteQueue::new();
        for _ in 0..2 {
            let mut decode = || application.decode(&mut src, &mut out);
            assert!(matches!(decode(), Ok(Some(Received::Request(_)))));
            assert_eq!(decode(), Ok(Some(Received::BodyEnd)));
            assert_eq!(decode(), Ok(None));
            assert!(application.end(0, &mut out));
        }
    }
}
