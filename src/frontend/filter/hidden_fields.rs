//! `Bridgehead-Error` is the gateway's own.

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::InternalUri;
use crate::protocol::fields::FieldName;

/// Takes the field off the answers of applications: clients and operators read it as a word of the gateway.
pub(super) struct ErrorField;

impl Filter for ErrorField {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        exchange.answer.fields.remove(FieldName::BridgeheadError);
        None
    }
}
