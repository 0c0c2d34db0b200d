//! Pages of the route in place of errors that are no failures: those of the application, and statuses without a text that
//! the route itself answers with.

use http::StatusCode;

use super::Filter;
use crate::frontend::config::{Handler, Route};
use crate::frontend::errors::Errors;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::InternalUri;

/// Has pages answer.
pub(super) struct Intercept(Errors);

impl Intercept {
    /// Nothing where the answers are as they are to be.
    pub(super) fn new(route: &Route) -> Option<Self> {
        let errors = &route.errors;
        let intercepts = match &route.handler {
            Handler::Respond(respond) => respond.body.as_str().is_empty(),
            handler => errors.intercept && handler.upstream().is_some(),
        };
        (intercepts && !errors.pages.is_empty()).then(|| Self(errors.clone()))
    }
}

impl Filter for Intercept {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        let status = exchange.answer.status;
        if status < StatusCode::BAD_REQUEST || exchange.is_page() || exchange.is_unanswered() {
            return None;
        }
        self.0.page(status)?.lead(exchange)
    }
}
