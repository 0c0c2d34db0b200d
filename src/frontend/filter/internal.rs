//! Routes that clients cannot ask for.

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;

/// Finds nothing for requests that no other route has led here.
pub(super) struct Internal;

impl Internal {
    /// Nothing on a route for clients.
    pub(super) fn new(internal: bool) -> Option<Self> {
        internal.then_some(Self)
    }
}

impl Filter for Internal {
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        match exchange.is_internal() {
            true => Ok(None),
            false => Err(Rejection::NotFound),
        }
    }
}
