//! What a route does to the fields of its answers.

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::field_rules::FieldRules;
use crate::frontend::flow::InternalUri;

/// What is done to the fields of answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The changes.
    pub rules: FieldRules,
    /// Whether the answers to requests that failed are changed, too.
    pub on_errors: bool,
}

/// Nothing, and that on errors, too.
impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: FieldRules::default(),
            on_errors: true,
        }
    }
}

/// Changes fields.
pub(super) struct Headers(Settings);

impl Headers {
    /// Nothing without a change.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        (!settings.rules.is_empty()).then(|| Self(settings.clone()))
    }

    fn apply(&self, exchange: &mut Exchange) {
        if self.0.rules.has_templates() {
            // Variables tell of the client, also where no application was to be told.
            exchange.client();
        }
        let Exchange { request, answer, .. } = exchange;
        self.0.rules.apply(&request.head, &mut answer.fields);
    }
}

impl Filter for Headers {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        self.apply(exchange);
        None
    }

    fn failed(&self, exchange: &mut Exchange) {
        if self.0.on_errors {
            self.apply(exchange);
        }
    }
}
