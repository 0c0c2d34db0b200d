//! The fields that a route sets on its answers.

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::InternalUri;
use crate::protocol::fields::{FieldValue, Fields};
use crate::variables::Template;

/// The fields that a route sets on its answers, in place of those of the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Those that are the same for all requests.
    pub fixed: Fields,
    /// Names, and values with variables.
    pub computed: Vec<(String, Template)>,
}

/// Sets fields.
pub(super) struct Headers(Settings);

impl Settings {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.computed.is_empty()
    }
}

impl Headers {
    /// Nothing without a field.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        (!settings.is_empty()).then(|| Self(settings.clone()))
    }
}

impl Filter for Headers {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        if !self.0.computed.is_empty() {
            // Variables tell of the client, also where no application was to be told.
            exchange.client();
        }
        let fields = &mut exchange.answer.fields;
        fields.set_all(&self.0.fixed);
        for (name, template) in &self.0.computed {
            let mut value = Vec::new();
            template.write(&exchange.request.head, &mut |piece| {
                value.extend_from_slice(piece)
            });
            fields.remove_named(name.as_bytes());
            // A variable may hold what no field can: the field is left out then, as it is without a value.
            if let Some(value) = FieldValue::new(&value).filter(|_| !value.is_empty()) {
                fields.append_named(name.as_bytes(), value);
            }
        }
        None
    }
}
