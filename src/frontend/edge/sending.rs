//! An answer on its way to an HTTP/1 client: what its head said, and what is left of its body.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::Version;

use crate::frontend::exchange::Exchange;
use crate::protocol::WriteQueue;
use crate::protocol::http1::answer::{LAST_CHUNK, put_last_chunk};
use crate::protocol::http1::{Next, put_chunk_size};

/// Bytes of an answer that are gathered for one write, as long as more of it is there at once.
const GATHER: usize = 64 * 1024;

/// What a request says about the form of its answer.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) version: Version,
    pub(super) head: bool,
    /// The client has said that nothing follows.
    pub(super) last: bool,
}

/// How the body of an answer is delimited (RFC 9112, section 6.3).
pub(super) struct Shape {
    /// Only its head is sent.
    pub(super) bodiless: bool,
    /// What the head announces.
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
}

impl Shape {
    /// That of an answer to a client that takes it in that form.
    #[inline]
    pub(super) fn of(exchange: &Exchange, form: Form) -> Self {
        let bodiless = form.head || matches!(exchange.status().as_u16(), 100..200 | 204 | 304);
        let length = match bodiless {
            true => exchange.length(),
            false => exchange.remaining(),
        };
        Self {
            bodiless,
            length,
            chunked: !bodiless && length.is_none() && form.version != Version::HTTP_10,
        }
    }

    /// Nothing but the end of the connection tells where it ends.
    pub(super) fn is_endless(&self) -> bool {
        !self.bodiless && self.length.is_none() && !self.chunked
    }
}

/// An answer that is being sent.
pub(super) struct Sending {
    pub(super) exchange: Box<Exchange>,
    pub(super) chunked: bool,
    /// Nothing but the end of the connection tells where it ends.
    pub(super) endless: bool,
    pub(super) form: Form,
    /// What its head said of the connection.
    pub(super) next: Next,
    /// All of it is in the queue.
    pub(super) complete: bool,
    /// It ended before its end.
    pub(super) broken: bool,
}

impl Sending {
    /// What a client is sent that gets no answer: the end of its connection.
    pub(super) fn nothing(exchange: Box<Exchange>, form: Form) -> Self {
        Self {
            exchange,
            chunked: false,
            endless: false,
            form,
            next: Next::Close,
            complete: true,
            broken: true,
        }
    }

    /// Queues what the body has, up to a limit; `false` when there is nothing at the moment.
    pub(super) fn gather(&mut self, queue: &mut WriteQueue, cx: &mut Context<'_>) -> bool {
        let most = self.exchange.piece().min(GATHER);
        while !self.complete && queue.len() < most && !self.exchange.is_file() {
            match self.exchange.poll_chunk(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.push(chunk, queue),
                Poll::Ready(None) => self.end(queue),
                Poll::Ready(Some(Err(_))) => (self.complete, self.broken) = (true, true),
                Poll::Pending => return false,
            }
        }
        true
    }

    fn push(&mut self, chunk: Bytes, queue: &mut WriteQueue) {
        if self.chunked && !chunk.is_empty() {
            put_chunk_size(chunk.len(), queue.tail());
            queue.push(chunk);
            queue.tail().extend_from_slice(b"\r\n");
        } else {
            queue.push(chunk);
        }
        // With the announced length the client has everything, though the application may go on for a while.
        if self.exchange.is_over() || self.exchange.remaining() == Some(0) {
            self.end(queue);
        }
    }

    fn end(&mut self, queue: &mut WriteQueue) {
        if self.chunked {
            match self.exchange.take_trailers() {
                None => queue.tail().extend_from_slice(LAST_CHUNK),
                Some(trailers) => put_last_chunk(&trailers, queue.tail()),
            }
        }
        self.complete = true;
    }
}
