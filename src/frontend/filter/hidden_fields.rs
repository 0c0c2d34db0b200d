//! Fields of applications that are not for clients.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Filter;
use crate::frontend::config::Route;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::InternalUri;
use crate::frontend::private_fields::{ASKED, PRIVATE};
use crate::protocol::fields::FieldNames;

/// Takes such fields off the answers of applications. `Bridgehead-Error` is among them: clients and operators read it as
/// a word of the gateway.
pub(super) struct HiddenFields {
    /// The name of the route.
    route: String,
    /// What goes.
    hidden: FieldNames,
    /// Those of it that are to be warned about.
    unheeded: FieldNames,
    /// Which of the [`ASKED`] were warned about: each once, until the next reload.
    warned: [AtomicBool; ASKED.len()],
}

impl HiddenFields {
    /// On the answers of a route, but for the fields that it passes.
    pub(super) fn new(route: &Route) -> Self {
        let hidden = PRIVATE.and(FieldNames::of(&route.pass_headers).complement());
        let unheeded = hidden.and(route.accel.heeded().complement());
        Self {
            route: route.name(),
            hidden,
            unheeded: unheeded.and(FieldNames::of(&ASKED)),
            warned: Default::default(),
        }
    }

    /// Tells the operator that an application relies on what does not happen.
    #[cold]
    fn warn(&self, unheeded: FieldNames) {
        for (field, warned) in ASKED.iter().zip(&self.warned) {
            if unheeded.contains(*field) && !warned.swap(true, Ordering::Relaxed) {
                let (route, field) = (&*self.route, field.as_str());
                tracing::warn!(
                    route,
                    field,
                    "the application asks its server for something that it may not here: the field is dropped; see `accel` and \
                     `send_file` of the route"
                );
            }
        }
    }
}

impl Filter for HiddenFields {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        let fields = &mut exchange.answer.fields;
        let unheeded = fields.present().and(self.unheeded);
        if !unheeded.is_empty() {
            self.warn(unheeded);
        }
        fields.remove_all(self.hidden);
        None
    }
}
