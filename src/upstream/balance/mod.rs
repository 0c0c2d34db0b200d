//! Which endpoint: one file per algorithm, one line in [`make`].

pub mod round_robin;

use super::config::Balance;
use super::endpoint::Endpoint;

pub use round_robin::RoundRobin;

/// A pure choice over a slice of endpoints.
pub trait Balancer: Send + Sync {
    /// The index of the endpoint to use, among those that are [`Pick::eligible`].
    fn pick(&self, endpoints: &[Endpoint], pick: &Pick<'_>) -> Option<usize>;
}

/// What a choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Pick<'a> {
    /// Endpoints that this request was already sent to.
    pub tried: &'a [usize],
    /// Slots per endpoint.
    pub slots: usize,
    /// Choose among the backups instead of the others.
    pub backup: bool,
}

impl Pick<'_> {
    /// Whether the endpoint may be chosen now.
    pub fn eligible(&self, index: usize, endpoint: &Endpoint) -> bool {
        self.possible(index, endpoint) && endpoint.in_flight() < self.slots
    }

    /// Whether the endpoint may be chosen once it has a free slot.
    pub fn possible(&self, index: usize, endpoint: &Endpoint) -> bool {
        endpoint.backup == self.backup && !self.tried.contains(&index)
    }
}

/// The algorithm of that name, for `endpoints` endpoints.
pub fn make(balance: Balance, endpoints: usize) -> Box<dyn Balancer> {
    match balance {
        Balance::RoundRobin => Box::new(RoundRobin::new(endpoints)),
    }
}
