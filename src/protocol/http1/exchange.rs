//! The gateway's side: requests to an HTTP server, and what it answers.

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};

use super::answer::LAST_CHUNK;
use super::body::{BodyDecoder, Framing};
use super::body_part::BodyPart;
use super::chunked::{ChunkLimits, put_chunk_size};
use super::{encode, trailers};
use crate::protocol::fields::{FieldName, trim};
use crate::protocol::head::{self, AnyHead, HeadDecoder, Shape};
use crate::protocol::{
    DecodeError, EncodeError, Event, Exchange, Protocol, RequestHead, ResponseHead, WriteQueue,
};

/// HTTP/1.1.
#[derive(Clone, Copy, Debug)]
pub struct Http1 {
    /// Connections may be used again.
    pub keep: bool,
    /// How large the heads of answers may be, interim ones counted in; and the trailers behind a body.
    pub limits: head::Limits,
}

impl Protocol for Http1 {
    fn name(&self) -> &'static str {
        "http"
    }

    fn begin(&self, head: &RequestHead, out: &mut WriteQueue) -> Result<Box<dyn Exchange>, EncodeError> {
        encode::put_head(head, self.keep, out.tail());
        Ok(Box::new(ClientExchange {
            bodiless: *head.method_onward() == Method::HEAD,
            chunked: head.chunked,
            upgrade: wanted_upgrade(head),
            trailers: head.trailers,
            limits: self.limits,
            reusable: self.keep,
            started: false,
            answer: Answer::Head(HeadDecoder::new(Shape::Http1, self.limits)),
        }))
    }
}

/// The protocols that the backend may switch to, as the request lists them.
fn wanted_upgrade(head: &RequestHead) -> Option<Bytes> {
    let wanted = head.upgrade.then(|| head.fields.to_bytes(FieldName::Upgrade));
    wanted.flatten()
}

/// The state of one exchange.
struct ClientExchange {
    /// The request was a HEAD.
    bodiless: bool,
    /// The request's body goes in chunks.
    chunked: bool,
    upgrade: Option<Bytes>,
    /// The client takes trailers.
    trailers: bool,
    limits: head::Limits,
    /// Both sides keep the connection, as far as is known.
    reusable: bool,
    /// Whether any byte has arrived.
    started: bool,
    answer: Answer,
}

/// The answer as far as it is known.
enum Answer {
    Head(HeadDecoder),
    Body(BodyDecoder),
    /// The head said that the connection is another protocol's.
    Switching,
    Done,
}

impl ClientExchange {
    fn accept(&mut self, mut head: Box<ResponseHead>) -> Result<Event, DecodeError> {
        if head.upgrade {
            self.check_switch(&head)?;
            self.answer = Answer::Switching;
            return Ok(Event::Head(head));
        }
        let framing = self.framing(&head);
        self.reusable &= !head.close && framing != Framing::Close;
        let mut body = BodyDecoder::new(framing, self.chunk_limits());
        match self.trailers && framing == Framing::Chunked {
            true => body.keep_trailers(),
            // None of those that it announces will come.
            false => drop(head.fields.remove(FieldName::Trailer)),
        }
        self.answer = Answer::Body(body);
        Ok(Event::Head(head))
    }

    fn chunk_limits(&self) -> ChunkLimits {
        ChunkLimits {
            trailers: self.limits.size,
            fields: self.limits.fields,
            ..ChunkLimits::default()
        }
    }

    /// RFC 9112, section 6.3.
    fn framing(&mut self, head: &ResponseHead) -> Framing {
        match (head.status, head.length) {
            (StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED, _) => {
                // There must be none; whether there are all the same will only show later.
                self.reusable &= !head.chunked;
                Framing::None
            }
            _ if self.bodiless => Framing::None,
            _ if head.chunked => Framing::Chunked,
            (_, Some(length)) => Framing::Length(length),
            (_, None) => Framing::Close,
        }
    }

    /// A switch has to be asked for, and to one of the protocols that were offered (RFC 9110, section 7.8).
    fn check_switch(&self, head: &ResponseHead) -> Result<(), DecodeError> {
        let offered = self.upgrade.as_deref().ok_or(DecodeError::Upgrade)?;
        let chosen = head.fields.get(FieldName::Upgrade).unwrap_or_default();
        let mut offered = offered.split(|byte| *byte == b',').map(trim);
        match offered.any(|offered| offered.eq_ignore_ascii_case(chosen)) {
            true => Ok(()),
            false => Err(DecodeError::OtherProtocol),
        }
    }

    fn end(&mut self, clean: bool) -> Event {
        self.answer = Answer::Done;
        Event::End {
            reusable: self.reusable && clean,
        }
    }
}

impl Exchange for ClientExchange {
    fn push_body(&mut self, chunk: Bytes, out: &mut WriteQueue) {
        match self.chunked {
            false => out.push(chunk),
            // An empty one would be the last.
            true if chunk.is_empty() => {}
            true => {
                put_chunk_size(chunk.len(), out.tail());
                out.push(chunk);
                out.tail().extend_from_slice(b"\r\n");
            }
        }
    }

    fn finish_body(&mut self, out: &mut WriteQueue) {
        if self.chunked {
            out.tail().extend_from_slice(LAST_CHUNK);
        }
    }

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Event>, DecodeError> {
        self.started |= !src.is_empty();
        match &mut self.answer {
            Answer::Head(decoder) => {
                let available = src.len();
                match decoder.next(src, available)? {
                    None => Ok(None),
                    Some(AnyHead::Interim(head)) => Ok(Some(Event::Interim(head))),
                    Some(AnyHead::Final(head)) => self.accept(head).map(Some),
                }
            }
            Answer::Body(body) => match body.decode(src) {
                Ok(None) => Ok(None),
                Ok(Some(BodyPart::Data(piece))) => Ok(Some(Event::Body(piece))),
                Ok(Some(BodyPart::End(fields))) => Ok(Some(match fields.and_then(trailers::permitted) {
                    // The end comes with the next call.
                    Some(fields) => Event::Trailers(fields),
                    None => self.end(src.is_empty()),
                })),
                // All of the body is here. Trailers without measure, or that are none, are dropped with their connection.
                Err(_) if body.is_behind_content() => Ok(Some(self.end(false))),
                Err(error) => Err(error.into()),
            },
            Answer::Switching => {
                self.answer = Answer::Done;
                Ok(Some(Event::Switched))
            }
            Answer::Done => Ok(None),
        }
    }

    fn culprit(&self) -> Option<&str> {
        match &self.answer {
            Answer::Head(decoder) => decoder.culprit(),
            _ => None,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.answer, Answer::Body(BodyDecoder::Close))
    }

    fn decode_eof(&mut self) -> Result<Event, DecodeError> {
        match &self.answer {
            Answer::Head(_) if self.started => Err(DecodeError::EofInHead),
            Answer::Head(_) => Err(DecodeError::Empty),
            Answer::Body(BodyDecoder::Length(_) | BodyDecoder::Chunked(_)) => Err(DecodeError::Truncated),
            Answer::Body(_) | Answer::Switching | Answer::Done => Ok(self.end(false)),
        }
    }
}

#[cfg(test)]
mod tests;
