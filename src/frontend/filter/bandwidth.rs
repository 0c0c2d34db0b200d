//! How fast clients get the answers of a route, at most.

use std::num::NonZeroU64;

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::InternalUri;
use crate::frontend::throttled::Throttle;

/// Holds answers to a rate, unless an application has said another one.
pub(super) struct Bandwidth(Throttle);

impl Bandwidth {
    /// Nothing without a rate; `after` bytes come before it counts.
    pub(super) fn new(rate: u64, after: u64) -> Option<Self> {
        NonZeroU64::new(rate).map(|rate| Self(Throttle { rate, after }))
    }
}

impl Filter for Bandwidth {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        exchange.kept().usual_rate(self.0);
        None
    }
}
