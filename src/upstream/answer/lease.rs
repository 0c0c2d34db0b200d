//! A connection and its slot, checked out for one exchange.

use crate::upstream::admit::pool::Slot;
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
    /// Ends a complete exchange.
    pub(in crate::upstream) fn finish(self, reusable: bool) {
        let Self { pump, slot } = self;
        match pump.into_connection() {
            Some(connection) if reusable => slot.keep(connection),
            other => {
                drop(other);
                drop(slot);
            }
        }
    }
}
