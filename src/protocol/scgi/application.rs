//! The application's side: one request per connection.

use std::collections::HashSet;

use bytes::{Buf, Bytes, BytesMut};

use super::netstring;
use crate::protocol::application::{self, Output, RawBody, Received, Request};
use crate::protocol::fastcgi::Role;
use crate::protocol::head::Shape;
use crate::protocol::{DecodeError, Limits, WriteQueue};

/// One connection of an SCGI application.
#[derive(Debug)]
pub struct Application {
    limits: Limits,
    state: ScgiState,
}

#[derive(Debug)]
enum ScgiState {
    Length,
    /// So many bytes of variables and a comma are next.
    Block(usize),
    Body(RawBody),
}

impl Application {
    /// A connection for one request.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: ScgiState::Length,
        }
    }

    /// Takes the length of the netstring off `src`.
    fn length(&mut self, src: &mut BytesMut) -> Result<(), DecodeError> {
        let (rest, size) = match netstring::size(src) {
            Ok((rest, size)) => (rest.len(), size),
            Err(nom::Err::Incomplete(_)) => return Ok(()),
            Err(_) => return Err(DecodeError::Netstring),
        };
        if size > self.limits.block {
            return Err(DecodeError::BlockTooLarge(self.limits.block));
        }
        src.advance(src.len() - rest);
        self.state = ScgiState::Block(size);
        Ok(())
    }

    fn request(&mut self, block: Bytes) -> Result<Received, DecodeError> {
        let Some(block) = block.strip_suffix(b",").map(|inside| block.slice_ref(inside)) else {
            return Err(DecodeError::Netstring);
        };
        let request = Request {
            role: Role::Responder,
            params: netstring::parse(&block, self.limits.params)?,
        };
        check(&request)?;
        self.state = ScgiState::Body(RawBody::new(request.content_length()?));
        Ok(Received::Request(request))
    }
}

/// `CONTENT_LENGTH` first and not empty, `SCGI` there, nothing twice.
fn check(request: &Request) -> Result<(), DecodeError> {
    match request.params.first() {
        Some((name, value)) if name == "CONTENT_LENGTH" && !value.is_empty() => {}
        _ => return Err(DecodeError::ContentLength),
    }
    let mut names = HashSet::with_capacity(request.params.len());
    let unique = request.params.iter().all(|(name, _)| names.insert(name));
    match request.param("SCGI") {
        Some(version) if version == "1" && unique => Ok(()),
        _ => Err(DecodeError::Scgi),
    }
}

impl application::Application for Application {
    fn shape(&self) -> Shape {
        Shape::Cgi
    }

    fn decode(&mut self, src: &mut BytesMut, _: &mut WriteQueue) -> Result<Option<Received>, DecodeError> {
        if let ScgiState::Length = self.state {
            self.length(src)?;
        }
        match &mut self.state {
            ScgiState::Block(size) if src.len() > *size => {
                let block = src.split_to(*size + 1).freeze();
                self.request(block).map(Some)
            }
            ScgiState::Length | ScgiState::Block(_) => Ok(None),
            ScgiState::Body(body) => Ok(body.decode(src)),
        }
    }

    fn decode_eof(&mut self) -> Result<(), DecodeError> {
        match &self.state {
            ScgiState::Length => Ok(()),
            ScgiState::Body(body) if body.is_complete() => Ok(()),
            ScgiState::Block(_) | ScgiState::Body(_) => Err(DecodeError::Truncated),
        }
    }

    fn write(&mut self, stream: Output, chunk: Bytes, out: &mut WriteQueue) {
        if stream == Output::Response {
            out.push(chunk);
        }
    }

    fn end(&mut self, _: u32, _: &mut WriteQueue) -> bool {
        false
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
        let mut application = Application::new(limits);
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
        let wire = b"24:CONTENT_LENGTH\x005\0SCGI\x001\0,hellosurplus";
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        let params = vec![(bytes("CONTENT_LENGTH"), bytes("5")), (bytes("SCGI"), bytes("1"))];
        let role = Role::Responder;
        let body = Received::Body(bytes("hello"));
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
        use DecodeError as E;
        for (wire, error) in [
            (&b"GET / HTTP/1.1"[..], E::Netstring),
            (b"024:", E::Netstring),
            (b"101:", E::BlockTooLarge(100)),
            (b"0:,", E::ContentLength),
            (b"7:SCGI\x001\0,", E::ContentLength),
            (b"23:CONTENT_LENGTH\0\0SCGI\x001\0,", E::ContentLength),
            (b"24:CONTENT_LENGTH\0x\0SCGI\x001\0,", E::ContentLength),
            (b"24:CONTENT_LENGTH\x000\0SCGI\x002\0,", E::Scgi),
            (b"17:CONTENT_LENGTH\x000\0,", E::Scgi),
            (b"31:CONTENT_LENGTH\x000\0SCGI\x001\0SCGI\x001\0,", E::Scgi),
            (b"24:CONTENT_LENGTH\x000\0SCGI\x001\0;", E::Netstring),
            (b"24:CONTENT_LENGTH\x000\0SCGI\x001x,", E::Netstring),
            (b"26:CONTENT_LENGTH\x000\0SCGI\x001\0\0\0,", E::EmptyName),
            (
                b"30:CONTENT_LENGTH\x000\0SCGI\x001\0A\0\0B\0\0,",
                E::TooManyParams(3),
            ),
            (b"24:CONTENT_LENGTH\x005\0SCGI\x001\0,he", E::Truncated),
        ] {
            for step in 1..=wire.len() {
                let text = String::from_utf8_lossy(wire);
                assert_eq!(received(wire, step).1, Some(error), "{text:?} step {step}");
            }
        }
    }
}
