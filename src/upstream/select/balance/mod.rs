//! Which endpoint: one file per algorithm, one line in [`make`].

mod draw;
mod ewma;
mod hash;
mod ip_hash;
mod least_conn;
mod load;
mod random_two;
mod round_robin;

use std::sync::Arc;

use crate::upstream::model::Token;
use crate::upstream::model::config::{Balance, ProtocolName};
use crate::upstream::model::endpoint::{CircuitState, Endpoint, Id};
use crate::upstream::model::occupancy::Claim;

pub use ewma::Ewma;
pub use hash::Hash;
pub use ip_hash::{IpHash, key as ip_key};
pub use least_conn::LeastConn;
pub use random_two::RandomTwo;
pub use round_robin::RoundRobin;

/// A choice over the endpoints of an upstream. Called under the lock of its pool: no waiting, no clock, no I/O.
pub trait Balancer: Send {
    /// The index of the endpoint to use, among those that are [`Pick::eligible`].
    fn pick(&mut self, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Option<usize>;

    /// The endpoints are these from now on: whatever was remembered by index is void. Called before the first pick.
    fn rebuild(&mut self, endpoints: &[Arc<Endpoint>]);
}

/// What a request wants of an endpoint.
#[derive(Clone, Debug, Default)]
pub struct Constraints {
    /// Endpoints that it was already sent to.
    pub tried: Vec<Id>,
    /// What makes similar requests go to the same endpoint, for algorithms that hash.
    pub key: Option<u64>,
    /// What it shares the workers by, where keys take turns.
    pub client: u64,
    /// The endpoint that its session lives on; also one that is draining.
    pub sticky: Option<Token>,
    /// What it is sent by, where idle connections may speak something else: the configuration changed meanwhile.
    pub protocol: Option<ProtocolName>,
    /// Rather wait for that endpoint than use another one.
    pub wait: bool,
}

impl Constraints {
    /// Any endpoint will do.
    pub fn is_unconstrained(&self) -> bool {
        self.tried.is_empty() && self.sticky.is_none()
    }

    /// Whether its session lives there.
    pub fn belongs_to(&self, endpoint: &Endpoint) -> bool {
        self.sticky.is_some() && self.sticky == endpoint.token
    }
}

/// What a choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Pick<'a> {
    /// What the request wants.
    pub constraints: &'a Constraints,
    /// Choose among the backups instead of the others.
    pub backup: bool,
    /// The worst circuit that will do.
    pub circuit: CircuitState,
    /// Which slots the request may have.
    pub claim: Claim,
}

impl Pick<'_> {
    /// Whether the endpoint may be chosen now.
    pub fn eligible(&self, endpoint: &Endpoint) -> bool {
        self.possible(endpoint) && endpoint.has_room(self.claim)
    }

    /// The choice among the backups when no slot of the others is free: backups take over from endpoints that are full,
    /// as nginx's do.
    pub fn overflow(&self) -> Option<Self> {
        let works = self.circuit == CircuitState::Closed;
        (works && !self.backup).then_some(Self {
            backup: true,
            ..*self
        })
    }

    /// Whether the endpoint may be chosen once it has a free slot.
    pub fn possible(&self, endpoint: &Endpoint) -> bool {
        endpoint.config.backup == self.backup
            && endpoint.circuit() <= self.circuit
            && !endpoint.config.down
            && !self.constraints.tried.contains(&endpoint.id)
            && (!endpoint.config.drain || self.constraints.belongs_to(endpoint))
    }
}

/// The algorithm of that name.
pub fn make(balance: &Balance) -> Box<dyn Balancer> {
    match balance {
        Balance::RoundRobin => Box::new(RoundRobin::default()),
        Balance::LeastConn => Box::new(LeastConn::default()),
        Balance::RandomTwo => Box::new(RandomTwo::new(fastrand::Rng::new())),
        Balance::IpHash => Box::new(IpHash::default()),
        Balance::Hash(hash) => Box::new(Hash::new(hash.bound)),
        Balance::Ewma => Box::new(Ewma::new(fastrand::Rng::new())),
    }
}

#[cfg(test)]
mod samples;

#[cfg(test)]
mod tests;
