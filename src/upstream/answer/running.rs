//! An answer that its worker still writes: it owns the lease, and pumps when it is polled.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::lease::Lease;
use crate::protocol::Event;
use crate::protocol::fields::Fields;
use crate::upstream::model::Failure;

/// An answer that is still being received.
pub(in crate::upstream) struct RunningBody {
    lease: Option<Lease>,
    /// Received ahead of the client, with the failure behind it.
    ahead: VecDeque<Result<Bytes, Failure>>,
    /// Bytes still to be given out, when their number is known.
    remaining: Option<u64>,
    /// Received behind the body, and not taken.
    trailers: Option<Box<Fields>>,
}

/// The body of an answer whose head has just come.
pub(in crate::upstream) enum Rest {
    /// All of it: it was received together with the head, and the lease has been given back.
    Complete(Option<Bytes>),
    /// The worker still writes it.
    Running(RunningBody),
}

impl Rest {
    /// What follows a head; `length` bytes were announced.
    ///
    /// A failure that was received together with the head is told while the client knows of neither, unless all
    /// announced bytes are here.
    pub(in crate::upstream) fn of(
        mut lease: Lease,
        length: Option<u64>,
        now: Instant,
    ) -> Result<Self, Failure> {
        let mut first = None;
        loop {
            let event = match lease.pump.decode() {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(Self::Running(RunningBody::new(lease, length, first))),
                Err(failure) => {
                    lease.fail(&failure);
                    let held = first.as_ref().map_or(0, Bytes::len);
                    return match length == Some(held as u64) {
                        true => Ok(Self::Complete(first)),
                        false => Err(failure),
                    };
                }
            };
            match event {
                Event::Body(chunk) if first.is_none() => first = Some(chunk),
                Event::Body(chunk) => {
                    let received = first.into_iter().chain([chunk]);
                    return Ok(Self::Running(RunningBody::new(lease, length, received)));
                }
                // Nothing can be behind a body whose length is announced.
                Event::Trailers(trailers) => {
                    let mut body = RunningBody::new(lease, length, first);
                    body.trailers = Some(trailers);
                    body.look_ahead();
                    return Ok(Self::Running(body));
                }
                event => {
                    lease.finish(matches!(event, Event::End { reusable: true }), now);
                    return Ok(Self::Complete(first));
                }
            }
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
            trailers: None,
        }
    }

    /// The next bytes.
    pub(in crate::upstream) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Failure>>> {
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

    /// The fields behind the body, once that was given out.
    pub(in crate::upstream) fn take_trailers(&mut self) -> Option<Box<Fields>> {
        self.trailers.take()
    }

    /// Whether all of it was given out and the worker is free. The end mark decides about the connection.
    pub(in crate::upstream) fn is_over(&self) -> bool {
        self.lease.is_none() && self.ahead.is_empty() && self.trailers.is_none()
    }

    /// Bytes still to be given out, when their number is known.
    pub(in crate::upstream) fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    /// Nothing wants the rest: after so many bytes more the connection is closed.
    pub(super) fn discard(&mut self, most: usize) {
        if let Some(lease) = &mut self.lease {
            lease.pump.discard(most);
        }
    }

    /// Longest time between two reads.
    pub(in crate::upstream) fn read_timeout(&self) -> Duration {
        self.lease
            .as_ref()
            .map_or(Duration::ZERO, |lease| lease.pump.read_timeout())
    }

    fn poll_lease(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        loop {
            let Some(lease) = &mut self.lease else {
                return Poll::Ready(None);
            };
            match ready!(lease.pump.poll_event(cx)) {
                Ok(Event::Trailers(trailers)) => self.trailers = Some(trailers),
                event => return Poll::Ready(self.taken(event).transpose()),
            }
        }
    }

    /// Takes what has been received already, so that the worker is free as soon as its answer is complete,
    /// and not only when the client has read it.
    fn look_ahead(&mut self) {
        let Some(lease) = &mut self.lease else { return };
        let event = match lease.pump.decode() {
            Ok(None) => return,
            Ok(Some(Event::Trailers(trailers))) => {
                self.trailers = Some(trailers);
                return self.look_ahead();
            }
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
            // The codec gives one head, which switches nothing, `Stderr` never leaves the pump, and trailers were taken.
            Ok(
                Event::Interim(_) | Event::Head(_) | Event::Trailers(_) | Event::Stderr(_) | Event::Switched,
            ) => false,
            Err(failure) => {
                if let Some(lease) = self.lease.take() {
                    lease.fail(&failure);
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
