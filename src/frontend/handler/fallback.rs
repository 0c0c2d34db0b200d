//! Where a request goes on that a handler has nothing for: `else`.

use super::rewrite::target;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::variables::Template;

/// What answers in place of "nothing there".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// `"@app"`: the route of that name.
    Route(String),
    /// `"/index.html"`: the request is routed again by that.
    Target(Template),
}

impl Fallback {
    /// What becomes of a request that nothing was found for.
    pub(super) fn flow(&self, exchange: &mut Exchange) -> Result<Flow<'_>, Rejection> {
        match self {
            Self::Route(name) => Ok(Flow::Named(name)),
            Self::Target(to) => {
                exchange.client();
                target(to, &exchange.request.head).map(Flow::Internal)
            }
        }
    }
}
