//! The body of an answer: it owns the lease, and pumps when it is polled.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::connection::Connection;
use super::error::Failure;
use super::http::HttpBody;
use super::pool::Slot;
use super::pump::Pump;
use crate::protocol::Event;

/// The body of an answer. Finished: the connection goes back to the pool. Dropped: it is closed.
pub enum Body {
    /// All of it; the lease was given back before the answer was.
    Full(Option<Bytes>),
    /// As it comes from a FastCGI, uwsgi or SCGI backend.
    Relay(Box<Relay>),
    /// As it comes from an HTTP backend.
    Http(Box<HttpBody>),
}

/// An answer that is still being received.
pub struct Relay {
    lease: Option<Lease>,
    /// Received ahead of the client, with the failure behind it.
    ahead: VecDeque<Result<Bytes, Failure>>,
    /// Bytes still to be given out, when their number is known.
    remaining: Option<u64>,
    /// Let the application finish when the client leaves.
    ignore_abort: bool,
}

/// An exchange with its slot.
pub struct Lease {
    /// The exchange. Dropped before the slot: the worker is free when the connection is closed.
    pub pump: Pump,
    /// The right to the worker.
    pub slot: Slot<Box<Connection>>,
}

impl Lease {
    /// Ends a complete exchange.
    pub fn finish(self, reusable: bool) {
        let Self { pump, slot } = self;
        match pump.into_connection() {
            Some(connection) if reusable => slot.keep(connection),
            other => {
                drop(other);
                drop(slot);
            }
        }
    }

    /// Reads to the end, within the deadlines of the exchange.
    async fn drain(mut self) {
        loop {
            match poll_fn(|cx| self.pump.poll_event(cx)).await {
                Ok(Event::End { reusable }) => return self.finish(reusable),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// The same for an answer of which nobody needs more: it may not go on for ever.
    async fn finish_soon(self) {
        let limit = self.pump.read_timeout();
        // In vain: dropped, which closes the connection.
        let _ = tokio::time::timeout(limit, self.drain()).await;
    }
}

impl Relay {
    /// An answer whose head has just come; `length` bytes of body were announced.
    pub fn new(lease: Lease, length: Option<u64>, ignore_abort: bool) -> Self {
        Self {
            lease: Some(lease),
            ahead: VecDeque::new(),
            remaining: length,
            ignore_abort,
        }
    }

    /// The whole body, if it was received together with the head: the lease has been given back.
    ///
    /// A failure that was received together with the head is told while the client knows of neither, unless
    /// all announced bytes are here.
    pub fn complete(&mut self) -> Result<Option<Option<Bytes>>, Failure> {
        self.look_ahead();
        if !self.ahead.is_empty() {
            self.look_ahead();
        }
        if let Some(Err(failure)) = self.ahead.pop_back_if(|last| last.is_err())
            && self.remaining != Some(self.held())
        {
            return Err(failure);
        }
        let complete = self.lease.is_none() && self.ahead.len() <= 1;
        Ok(complete.then(|| self.ahead.pop_front().and_then(Result::ok)))
    }

    /// Bytes received ahead of the client.
    fn held(&self) -> u64 {
        self.ahead.iter().flatten().map(|chunk| chunk.len() as u64).sum()
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let chunk = match self.ahead.pop_front() {
            Some(received) => received?,
            None => match ready!(self.poll_lease(cx)) {
                Some(Ok(chunk)) => chunk,
                other => return Poll::Ready(other),
            },
        };
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(chunk.len() as u64);
        }
        if self.ahead.is_empty() {
            self.look_ahead();
        }
        Poll::Ready(Some(Ok(chunk)))
    }

    fn poll_lease(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let Some(lease) = &mut self.lease else {
            return Poll::Ready(None);
        };
        let event = ready!(lease.pump.poll_event(cx));
        Poll::Ready(self.taken(event).transpose())
    }

    /// Takes what has been received already, so that the worker is free as soon as its answer is complete,
    /// and not only when the client has read it.
    fn look_ahead(&mut self) {
        let Some(lease) = &mut self.lease else { return };
        let event = match lease.pump.decode() {
            Ok(None) => return,
            Ok(Some(event)) => Ok(event),
            Err(failure) => Err(failure),
        };
        let received = self.taken(event).transpose();
        self.ahead.extend(received);
    }

    fn taken(&mut self, event: Result<Event, Failure>) -> Result<Option<Bytes>, Failure> {
        let reusable = match event {
            Ok(Event::Body(chunk)) => return Ok(Some(chunk)),
            Ok(Event::End { reusable }) => reusable,
            // The codec gives one head, and `Stderr` never leaves the pump.
            Ok(Event::Head(_) | Event::Stderr(_)) => false,
            Err(failure) => {
                if let Some(mut lease) = self.lease.take() {
                    lease.slot.broken();
                }
                return Err(failure);
            }
        };
        if let Some(lease) = self.lease.take() {
            lease.finish(reusable);
        }
        Ok(None)
    }
}

/// Whoever has all announced bytes stops polling before the end mark has come, and a client that leaves
/// polls no more: what the application still has to do must not be cut off in the first case, unless it takes
/// longer than any pause may, and may not in the second.
impl Drop for Relay {
    fn drop(&mut self) {
        let wanted = self.ignore_abort || self.remaining == Some(0);
        let Some(lease) = self.lease.take().filter(|_| wanted) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            match self.ignore_abort {
                true => runtime.spawn(lease.drain()),
                false => runtime.spawn(lease.finish_soon()),
            };
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Relay(relay) => relay
                .poll_chunk(cx)
                .map(|chunk| chunk.map(|read| read.map(Frame::data))),
            Self::Http(body) => Pin::new(body.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            // The end mark has yet to come: it decides about the connection.
            Self::Relay(relay) => relay.lease.is_none() && relay.ahead.is_empty(),
            Self::Http(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Relay(relay) => relay
                .remaining
                .map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Http(body) => body.size_hint(),
        }
    }
}
