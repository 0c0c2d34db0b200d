//! Endpoints and a balancer to try: for tests.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Balancer, Constraints, Pick};
use crate::upstream::model::config::EndpointConfig;
use crate::upstream::model::endpoint::{CircuitState, Endpoint};
use crate::upstream::model::occupancy::Claim;

/// A balancer with its endpoints.
pub(super) struct Bench<B> {
    pub(super) balancer: B,
    pub(super) endpoints: Vec<Arc<Endpoint>>,
}

/// Endpoints with these weights and no limit: `10.0.0.1:80`, `10.0.0.2:80`, …
pub(super) fn weighted(weights: &[u32]) -> Vec<EndpointConfig> {
    let numbered = weights.iter().zip(1_u8..);
    numbered
        .map(|(weight, number)| EndpointConfig {
            weight: *weight,
            ..EndpointConfig::new(format!("10.0.0.{number}:80").parse().unwrap())
        })
        .collect()
}

/// That `counts` are in proportion to `weights`, each within a part of its own.
pub(super) fn assert_shares(counts: &[usize], weights: &[u32], within: f64) {
    let all: usize = counts.iter().sum();
    let sum: u32 = weights.iter().sum();
    for (count, weight) in counts.iter().zip(weights) {
        let wanted = all as f64 * f64::from(*weight) / f64::from(sum);
        let off = (*count as f64 - wanted).abs() / wanted;
        assert!(off <= within, "{counts:?} for {weights:?}");
    }
}

impl<B: Balancer> Bench<B> {
    pub(super) fn new(mut balancer: B, endpoints: Vec<EndpointConfig>) -> Self {
        let endpoints: Vec<_> = endpoints
            .into_iter()
            .map(|config| {
                let mut endpoint = Endpoint::new(config, usize::MAX);
                endpoint.latency = Some(Arc::default());
                Arc::new(endpoint)
            })
            .collect();
        balancer.rebuild(&endpoints);
        Self { balancer, endpoints }
    }

    /// Sets the exchanges under way.
    pub(super) fn load(&mut self, loads: &[usize]) {
        for (endpoint, load) in self.endpoints.iter().zip(loads) {
            while endpoint.in_flight() < *load {
                assert!(endpoint.occupancy().enter(usize::MAX, Claim::New));
            }
            while endpoint.in_flight() > *load {
                endpoint.slot_freed();
            }
        }
    }

    /// Sets the slots of one endpoint.
    pub(super) fn limit(&mut self, index: usize, slots: usize) {
        self.endpoints[index].set_limit(slots);
    }

    /// An endpoint answers.
    pub(super) fn answered(&mut self, index: usize, latency: Duration, now: Instant) {
        let average = self.endpoints[index].latency.as_ref();
        average.unwrap().observe(latency, now);
    }

    /// Exchanges under way.
    pub(super) fn in_flight(&self) -> Vec<usize> {
        self.endpoints
            .iter()
            .map(|endpoint| endpoint.in_flight())
            .collect()
    }

    /// One choice.
    pub(super) fn pick(&mut self) -> Option<usize> {
        self.pick_key(None)
    }

    /// One choice for a key.
    pub(super) fn pick_key(&mut self, key: Option<u64>) -> Option<usize> {
        self.pick_wish(&Constraints {
            key,
            ..Constraints::default()
        })
    }

    /// One choice for a constraints.
    pub(super) fn pick_wish(&mut self, constraints: &Constraints) -> Option<usize> {
        let pick = Pick {
            constraints,
            backup: false,
            circuit: CircuitState::Closed,
            claim: Claim::New,
        };
        self.balancer.pick(&self.endpoints, &pick)
    }

    /// A choice that begins an exchange.
    pub(super) fn take(&mut self) {
        let index = self.pick().unwrap();
        assert!(self.endpoints[index].take_slot(Claim::New));
    }

    /// How often each endpoint is chosen.
    pub(super) fn count(&mut self, picks: usize, key: Option<u64>) -> Vec<usize> {
        let mut counts = vec![0; self.endpoints.len()];
        for _ in 0..picks {
            counts[self.pick_key(key).unwrap()] += 1;
        }
        counts
    }
}
