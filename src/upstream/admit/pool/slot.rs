//! The right to use one worker, and what its use told about the endpoint.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Pool;
use super::fair::Charge;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::endpoint::Endpoint;

/// The right to use one worker; given back when dropped.
pub struct Slot<C: Send + 'static> {
    pub(super) pool: Arc<Pool<C>>,
    pub(super) endpoint: Arc<Endpoint>,
    /// What the exchange speaks.
    pub(super) protocol: ProtocolName,
    /// The fate of this exchange decides whether others may follow.
    pub(super) trial: bool,
    /// What is of interest once it is given back. Boxed: of most slots nothing is.
    pub(super) holding: Option<Box<Holding>>,
    /// The endpoint answered.
    pub(super) answered: bool,
    /// Set while the slot is not to be given back by `drop`: it was given back already.
    pub(super) released: bool,
}

/// What counts how long a slot is held.
#[derive(Debug)]
pub(super) struct Holding {
    /// When it was taken, where the endpoint adapts its slots.
    pub(super) since: Option<Instant>,
    /// What it is to its key, where keys take turns.
    pub(super) charge: Option<Charge>,
}

/// A slot, with a connection when one was idle.
pub struct Grant<C: Send + 'static> {
    /// A connection that an earlier exchange left behind. Dropped before the slot: the worker is free when the
    /// connection is closed.
    pub idle: Option<C>,
    /// The right.
    pub slot: Slot<C>,
}

impl<C: Send + 'static> Slot<C> {
    /// The endpoint whose worker this is.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// A connection stands.
    pub fn reached(&mut self) {
        self.endpoint.connection_opened();
        if self.trial || !self.endpoint.is_steady() {
            self.trial = self.pool.reached(&self.endpoint) && self.trial;
        }
    }

    /// An answer's head came, and the slot is held until its end.
    pub fn answered(&mut self) {
        self.decided();
        self.answered = true;
    }

    /// The endpoint has shown that it works. The slot may be held for long from now on, and its end decides nothing.
    pub fn decided(&mut self) {
        self.trial = false;
    }

    /// No connection could be made.
    pub fn unreachable(&mut self) {
        self.trial = false;
        self.pool.unreachable(&self.endpoint);
    }

    /// The backlog is full.
    pub fn full(&mut self) {
        self.trial = false;
        self.pool.full(&self.endpoint);
    }

    /// How long it was held, where that says something about the endpoint.
    pub(super) fn held_for(&self) -> Option<Duration> {
        let since = self.holding.as_ref()?.since;
        since.filter(|_| self.answered).map(|since| since.elapsed())
    }

    /// What it is to its key, where keys take turns.
    pub(super) fn charge(&self) -> Option<Charge> {
        self.holding.as_ref()?.charge
    }

    /// The exchange broke after its head, and the endpoint is to blame.
    pub fn broken(&mut self) {
        self.answered = false;
        self.trial = false;
        self.pool.broken(&self.endpoint);
    }

    /// Gives the slot back together with a connection that can serve another exchange.
    pub fn keep(self, connection: C) {
        self.keep_at(connection, Instant::now());
    }

    /// The same for a caller that knows the time.
    pub fn keep_at(mut self, connection: C, now: Instant) {
        self.released = true;
        self.pool.release(&self, Some((connection, now)));
    }
}

impl<C: Send + 'static> Drop for Slot<C> {
    fn drop(&mut self) {
        if !self.released {
            self.pool.release(self, None);
        }
    }
}
