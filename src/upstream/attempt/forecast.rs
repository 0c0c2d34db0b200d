//! Which endpoint a request would go to, as far as that can be said without sending it.

use std::sync::Arc;

use super::upstream::Upstream;
use crate::protocol::RequestHead;
use crate::upstream::model::config::EndpointSource;
use crate::upstream::model::endpoint::{CircuitState, Endpoint};
use crate::upstream::model::occupancy::Claim;
use crate::upstream::select::balance::{self, Pick};

/// The choice for a request while every endpoint works and none is full.
#[derive(Clone, Debug)]
pub enum Forecast {
    /// Its session lives there.
    Session(Arc<Endpoint>),
    /// The hash of its key says so.
    Key(Arc<Endpoint>),
    /// There is no other.
    Only(Arc<Endpoint>),
    /// It depends on the requests before.
    Load,
    /// It depends on what the DNS says then.
    Unknown,
    /// Whichever generation of an application serves then.
    App,
    /// Every endpoint is draining.
    Nothing,
}

impl Upstream {
    /// Foretells the choice for a request.
    pub fn forecast(&self, head: &RequestHead) -> Forecast {
        match self.config.sources.as_slice() {
            [] => {}
            [source]
                if self.config.endpoints.is_empty() && matches!(source.address, EndpointSource::App(_)) =>
            {
                return Forecast::App;
            }
            _ => return Forecast::Unknown,
        }
        let endpoints = self.endpoints();
        let constraints = self.constraints(head);
        if let Some(own) = endpoints.iter().find(|endpoint| constraints.belongs_to(endpoint)) {
            return Forecast::Session(own.clone());
        }
        let pick = [false, true].map(|backup| Pick {
            constraints: &constraints,
            backup,
            circuit: CircuitState::Closed,
            claim: Claim::New,
        });
        let possible = |pick: &&Pick<'_>| endpoints.iter().any(|endpoint| pick.possible(endpoint));
        let Some(pick) = pick.iter().find(possible) else {
            return Forecast::Nothing;
        };
        let mut candidates = endpoints.iter().filter(|endpoint| pick.possible(endpoint));
        if let (Some(only), None) = (candidates.next(), candidates.next()) {
            return Forecast::Only(only.clone());
        }
        let mut balancer = balance::make(&self.config.balance);
        balancer.rebuild(&endpoints);
        match constraints.key.and_then(|_| balancer.pick(&endpoints, pick)) {
            Some(at) => Forecast::Key(endpoints[at].clone()),
            None => Forecast::Load,
        }
    }
}
