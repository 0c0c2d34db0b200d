//! Answers that nothing frames: a head, then bytes until the announced length, the last chunk of an application that makes
//! some itself, or the end of the stream.
//! uwsgi and SCGI share this; request bodies are as raw as the answers.

use bytes::{Buf, Bytes, BytesMut};
use http::Method;

use super::body::Body;
use super::head::{AnyHead, HeadDecoder, Limits, ResponseHead, Shape};
use super::{DecodeError, Event, Exchange, RequestHead, WriteQueue};

/// The state of one exchange.
pub(crate) struct Unframed {
    /// A HEAD is answered.
    to_head: bool,
    /// 101 was asked for.
    upgrade: bool,
    /// The connection may carry another exchange if the answer agrees.
    reuse: bool,
    /// Whether any byte has arrived.
    started: bool,
    answer: Answer,
}

/// The response as far as it is known.
enum Answer {
    Head(HeadDecoder),
    Body(Body),
    Done,
}

impl Unframed {
    pub(crate) fn new(head: &RequestHead, shape: Shape, limits: Limits, reuse: bool) -> Self {
        Self {
            to_head: *head.method_onward() == Method::HEAD,
            upgrade: head.upgrade,
            reuse,
            started: false,
            answer: Answer::Head(HeadDecoder::new(shape, limits)),
        }
    }

    fn accept(&mut self, head: Box<ResponseHead>) -> Result<Event, DecodeError> {
        if head.upgrade && !self.upgrade {
            return Err(DecodeError::Upgrade);
        }
        let body = Body::of(self.to_head, &head);
        // uWSGI sends bodies where none belong: behind such an answer nothing is certain.
        self.reuse &= !head.close && matches!(body, Body::Length(_));
        self.answer = Answer::Body(body);
        Ok(Event::Head(head))
    }

    fn end(&mut self, clean: bool) -> Event {
        self.answer = Answer::Done;
        Event::End {
            reusable: self.reuse && clean,
        }
    }
}

impl Exchange for Unframed {
    fn push_body(&mut self, chunk: Bytes, out: &mut WriteQueue) {
        out.push(chunk);
    }

    fn finish_body(&mut self, _: &mut WriteQueue) {}

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
            Answer::Body(Body::Chunked(chunks)) => {
                chunks.push(src.split());
                match chunks.piece()? {
                    Some(piece) => Ok(Some(Event::Body(piece))),
                    None if chunks.is_done() => Ok(Some(self.end(false))),
                    None => Ok(None),
                }
            }
            Answer::Body(body) if body.is_complete() => {
                let clean = src.is_empty();
                src.advance(src.len());
                Ok(Some(self.end(clean)))
            }
            Answer::Body(_) if src.is_empty() => Ok(None),
            Answer::Body(body) => {
                let kept = body.take(src.len());
                Ok(Some(Event::Body(src.split_to(kept).freeze())))
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
        matches!(self.answer, Answer::Body(Body::Open))
    }

    fn decode_eof(&mut self) -> Result<Event, DecodeError> {
        match &self.answer {
            Answer::Head(_) if self.started => Err(DecodeError::EofInHead),
            Answer::Head(_) => Err(DecodeError::Empty),
            Answer::Body(body) if body.is_short() => Err(DecodeError::Truncated),
            Answer::Body(_) | Answer::Done => Ok(self.end(false)),
        }
    }
}

#[cfg(test)]
mod tests;
