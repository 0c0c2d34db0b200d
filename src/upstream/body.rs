//! The body of an answer: it owns the lease, and pumps when it is polled, until a relay does.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::connection::Connection;
use super::error::Failure;
use super::pool::Slot;
use super::pump::Pump;
use super::relay::Buffered;
use super::source::Source;
use super::switched::Switched;
use crate::protocol::Event;

/// The body of an answer. Finished: the connection goes back to the pool. Dropped: it is closed.
pub enum Body {
    /// All of it; the lease was given back before the answer was.
    Full(Option<Bytes>),
    /// As it comes; the client sets the pace.
    Direct(Box<Source>),
    /// As it comes, or through a spool when the client is slower than the application.
    Buffered(Box<Buffered>),
    /// None: the connection is a tunnel from now on.
    Switched(Box<Switched>),
}

/// An answer that is still being received.
pub struct RunningBody {
    lease: Option<Lease>,
    /// Received ahead of the client, with the failure behind it.
    ahead: VecDeque<Result<Bytes, Failure>>,
    /// Bytes still to be given out, when their number is known.
    remaining: Option<u64>,
}

/// An exchange with its slot.
pub struct Lease {
    /// The exchange. Dropped before the slot: the worker is free when the connection is closed.
    pub pump: Pump,
    /// The right to the worker.
    pub slot: Slot<Box<Connection>>,
}

/// The body of an answer whose head has just come.
pub(super) enum Rest {
    /// All of it: it was received together with the head, and the lease has been given back.
    Complete(Option<Bytes>),
    /// The worker still writes it.
    Running(RunningBody),
}

impl Lease {
    /// What follows a head; `length` bytes were announced.
    ///
    /// A failure that was received together with the head is told while the client knows of neither, unless all
    /// announced bytes are here.
    pub(super) fn rest(mut self, length: Option<u64>, now: Instant) -> Result<Rest, Failure> {
        let mut first = None;
        loop {
            let event = match self.pump.decode() {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(Rest::Running(RunningBody::new(self, length, first))),
                Err(failure) => {
                    self.slot.broken();
                    let held = first.as_ref().map_or(0, Bytes::len);
                    return match length == Some(held as u64) {
                        true => Ok(Rest::Complete(first)),
                        false => Err(failure),
                    };
                }
            };
            match event {
                Event::Body(chunk) if first.is_none() => first = Some(chunk),
                Event::Body(chunk) => {
                    let received = first.into_iter().chain([chunk]);
                    return Ok(Rest::Running(RunningBody::new(self, length, received)));
                }
                event => {
                    self.finish(matches!(event, Event::End { reusable: true }), now);
                    return Ok(Rest::Complete(first));
                }
            }
        }
    }

    /// Ends a complete exchange.
    pub fn finish(self, reusable: bool, now: Instant) {
        let Self { pump, slot } = self;
        match pump.into_connection() {
            Some(connection) if reusable => slot.keep_at(connection, now),
            other => {
                drop(other);
                drop(slot);
            }
        }
    }
}

impl Body {
    /// Nobody is sure to ask for more soon: the worker must not wait for that, if it may be kept from it.
    pub fn detach(&mut self) {
        if let Self::Buffered(body) = self {
            body.detach();
        }
    }

    /// The next bytes.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Self::Direct(source) => source.poll_chunk(cx),
            Self::Buffered(body) => body.poll_chunk(cx),
            Self::Switched(_) => Poll::Ready(None),
        }
    }

    /// Whether all of it was given out.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            Self::Direct(source) => source.is_over(),
            Self::Buffered(body) => body.is_over(),
            Self::Switched(_) => true,
        }
    }

    /// Bytes still to be given out, when their number is known.
    pub fn remaining(&self) -> Option<u64> {
        match self {
            Self::Full(bytes) => Some(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Direct(source) => source.remaining(),
            Self::Buffered(body) => body.remaining(),
            Self::Switched(_) => Some(0),
        }
    }
}

impl RunningBody {
    /// An answer that goes on; `length` bytes of body were announced, and some are here.
    fn new(lease: Lease, length: Option<u64>, received: impl IntoIterator<Item = Bytes>) -> Self {
        Self {
            lease: Some(lease),
            ahead: received.into_iter().map(Ok).collect(),
            remaining: length,
        }
    }

    /// The next bytes.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
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

    /// Whether all of it was given out and the worker is free. The end mark decides about the connection.
    pub(super) fn is_over(&self) -> bool {
        self.lease.is_none() && self.ahead.is_empty()
    }

    /// Bytes still to be given out, when their number is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    /// Longest time between two reads.
    pub(super) fn read_timeout(&self) -> Duration {
        self.lease
            .as_ref()
            .map_or(Duration::ZERO, |lease| lease.pump.read_timeout())
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
            // The codec gives one head, which switches nothing, and `Stderr` never leaves the pump.
            Ok(Event::Interim(_) | Event::Head(_) | Event::Stderr(_) | Event::Switched) => false,
            Err(failure) => {
                if let Some(mut lease) = self.lease.take() {
                    lease.slot.broken();
                }
                return Err(failure);
            }
        };
        if let Some(lease) = self.lease.take() {
            lease.finish(reusable, Instant::now());
        }
        Ok(None)
    }
}
