//! PINGs to a client of which nothing comes: one that has gone without a word does not answer.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use h2::{Ping, PingPong};

use crate::transport::Deadline;

/// Asks a client whether it is there. Looks at it once a period, so that no frame has to set a timer.
pub(super) struct Pings {
    pings: PingPong,
    /// `timeouts.h2_ping`.
    period: Duration,
    next: Deadline,
    /// Frames that had come when the period began.
    before: u64,
    /// A PING was sent in the last period.
    asked: bool,
}

impl Pings {
    /// Of a connection that begins now.
    pub(super) fn new(pings: PingPong, period: Duration) -> Self {
        Self {
            pings,
            period,
            next: Deadline::never(),
            before: 0,
            asked: false,
        }
    }

    /// Ready when the client has not answered a PING in time. `received`: frames that have come so far.
    pub(super) fn poll(&mut self, received: u64, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if !self.next.is_set() {
                self.before = received;
                self.next.set(self.period);
            }
            ready!(self.next.poll(cx));
            self.next.clear();
            if self.asked && self.pings.poll_pong(cx).is_pending() {
                return Poll::Ready(());
            }
            self.asked = received == self.before;
            if self.asked && self.pings.send_ping(Ping::opaque()).is_err() {
                return Poll::Ready(());
            }
        }
    }
}
