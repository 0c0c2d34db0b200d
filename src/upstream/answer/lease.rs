//! A connection and its slot, checked out for one exchange.

use tokio::time::Instant;

use crate::upstream::admit::pool::Slot;
use crate::upstream::model::error::{Blame, Failure};
use crate::upstream::wire::connection::Connection;
use crate::upstream::wire::pump::Pump;

/// An exchange with its slot.
pub(in crate::upstream) struct Lease {
    /// The exchange. Dropped before the slot: the worker is free when the connection is closed.
    pub(in crate::upstream) pump: Pump,
    /// The right to the worker.
    pub(in crate::upstream) slot: Slot<Box<Connection>>,
}

impl Lease {
    /// Ends an exchange that broke after its head. A client that broke its own request off says nothing about the
    /// endpoint; one that is too busy for what it has begun on has broken it.
    pub(in crate::upstream) fn fail(mut self, failure: &Failure) {
        match failure.blame() {
            Blame::Client | Blame::Other => {}
            Blame::Busy | Blame::Endpoint => self.slot.broken(),
        }
    }

    /// Ends an exchange that is complete `now`.
    pub(in crate::upstream) fn finish(self, reusable: bool, now: Instant) {
        // The worker is free when the connection is closed: the slot is dropped behind it.
        let Self { pump, slot } = self;
        match reusable {
            false => pump.close(),
            true => {
                if let Some(connection) = pump.into_connection() {
                    slot.keep_at(connection, now);
                }
            }
        }
    }
}
