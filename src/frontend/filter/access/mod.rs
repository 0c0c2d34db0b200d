//! Which clients a route is for: by their networks, by a name and a password, or by either.

mod basic;
mod hashing;
mod networks;
mod passed;

use basic::Basic;
use networks::{Networks, Verdict};

use super::{Filter, cors};
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::telemetry::Reason;

pub use basic::Settings as BasicAuth;
pub use networks::Settings as NetworkRules;

/// The clients that may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// By their networks.
    pub networks: NetworkRules,
    /// By a name and a password.
    pub basic: Option<BasicAuth>,
    /// What is enough.
    pub satisfy: Satisfy,
}

/// How much of what is asked of a client has to hold, as with nginx's word of that name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Satisfy {
    /// All of it.
    #[default]
    All,
    /// One is enough: a network of `allow`, or a password.
    Any,
}

/// Keeps the others away.
pub(super) struct Access {
    networks: Option<Networks>,
    basic: Option<Basic>,
    satisfy: Satisfy,
    /// Whether the route answers browsers that ask before.
    preflight: bool,
}

impl Settings {
    /// Whether everything may ask.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.basic.is_none()
    }
}

impl Access {
    /// Nothing where everything may ask.
    pub(super) fn new(settings: &Settings, preflight: bool) -> Option<Self> {
        (!settings.is_empty()).then(|| Self {
            preflight,
            networks: Networks::new(&settings.networks),
            basic: settings.basic.clone().map(Basic::new),
            satisfy: settings.satisfy,
        })
    }
}

impl Filter for Access {
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        if exchange.request.vouched {
            return Ok(None);
        }
        // The page for a refusal is for the client that was refused.
        if exchange.is_page() && exchange.record.refusal().is_some_and(is_of_access) {
            return Ok(None);
        }
        let verdict = self.networks.as_ref().map(|networks| networks.judge(exchange));
        match (self.satisfy, verdict, &self.basic) {
            (Satisfy::Any, Some(Verdict::Named), _) => Ok(None),
            (Satisfy::All, Some(Verdict::Denied), _) | (_, Some(Verdict::Denied), None) => {
                Err(Rejection::NotAllowed)
            }
            // Browsers send no password along when they ask before (Fetch standard, section 4.8): the filter that answers is
            // behind this one, and nothing else is asked.
            (_, _, Some(_)) if self.preflight && cors::asks_before(&exchange.request.head) => Ok(None),
            (_, _, Some(basic)) => basic.before(exchange),
            (_, _, None) => Ok(None),
        }
    }
}

fn is_of_access(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NotAllowed | Reason::Unauthorized | Reason::LoginsBusy | Reason::UsersFailed
    )
}
