//! How fast clients have to take the answers of a route.

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::pace::Rate;
use crate::frontend::rejection::Rejection;

/// Holds clients to a least rate.
pub(super) struct LeastRate(Rate);

impl LeastRate {
    /// Nothing without a rate.
    pub(super) fn new(rate: Option<Rate>) -> Option<Self> {
        rate.map(Self)
    }
}

impl Filter for LeastRate {
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        exchange.least(self.0);
        Ok(None)
    }
}
