//! The fields that a route sets on its answers.

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::InternalUri;
use crate::protocol::fields::Fields;

/// Sets fields, in place of those of the same names.
pub(super) struct Headers(Fields);

impl Headers {
    /// Nothing without a field.
    pub(super) fn new(fields: &Fields) -> Option<Self> {
        (!fields.is_empty()).then(|| Self(fields.clone()))
    }
}

impl Filter for Headers {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        exchange.answer.fields.set_all(&self.0);
        None
    }
}
