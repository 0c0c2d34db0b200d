//! Smooth weighted round robin: in turn, in proportion to the weights, never in bursts.

use std::sync::Arc;

use super::{Balancer, Pick};
use crate::upstream::model::endpoint::Endpoint;

/// In turn. Every choice raises each candidate by its weight and lowers the chosen one by the sum, so that
/// weights 5, 1, 1 give a a b a c a a and not a a a a a b c.
#[derive(Debug, Default)]
pub struct RoundRobin {
    current: Vec<i64>,
}

impl RoundRobin {
    /// Whose turn it is among the candidates.
    pub(super) fn among(
        &mut self,
        endpoints: &[Arc<Endpoint>],
        candidate: impl Fn(&Endpoint) -> bool,
    ) -> Option<usize> {
        let mut sum = 0;
        let mut best: Option<(usize, i64)> = None;
        for (index, (endpoint, current)) in endpoints.iter().zip(&mut self.current).enumerate() {
            if !candidate(endpoint) {
                continue;
            }
            let share = i64::from(endpoint.share());
            sum += share;
            *current += share;
            if best.is_none_or(|(_, most)| *current > most) {
                best = Some((index, *current));
            }
        }
        let (best, _) = best?;
        self.current[best] -= sum;
        Some(best)
    }
}

impl Balancer for RoundRobin {
    fn pick(&mut self, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Option<usize> {
        if let [only] = endpoints {
            return pick.eligible(only).then_some(0);
        }
        self.among(endpoints, |endpoint| pick.eligible(endpoint))
    }

    fn rebuild(&mut self, endpoints: &[Arc<Endpoint>]) {
        self.current = vec![0; endpoints.len()];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::model::config::EndpointConfig;
    use crate::upstream::model::endpoint::CircuitState;
    use crate::upstream::model::occupancy::Claim;
    use crate::upstream::select::balance::Constraints;

    fn endpoints(weights: &[u32]) -> Vec<Arc<Endpoint>> {
        let endpoint = |weight| {
            let config = EndpointConfig {
                weight,
                ..EndpointConfig::new("127.0.0.1:1".parse().unwrap())
            };
            Arc::new(Endpoint::new(config, 1))
        };
        weights.iter().map(|weight| endpoint(*weight)).collect()
    }

    fn balancer(endpoints: &[Arc<Endpoint>]) -> RoundRobin {
        let mut balancer = RoundRobin::default();
        balancer.rebuild(endpoints);
        balancer
    }

    fn wanted(constraints: &Constraints) -> Pick<'_> {
        Pick {
            constraints,
            backup: false,
            circuit: CircuitState::Closed,
            claim: Claim::New,
        }
    }

    #[test]
    fn weights_are_kept_without_bursts() {
        let endpoints = endpoints(&[5, 1, 1]);
        let mut balancer = balancer(&endpoints);
        let constraints = Constraints::default();
        let picks: Vec<_> = (0..7)
            .map(|_| balancer.pick(&endpoints, &wanted(&constraints)).unwrap())
            .collect();
        assert_eq!(picks, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn a_full_or_tried_endpoint_is_passed_over() {
        let endpoints = endpoints(&[1, 1, 1]);
        let mut balancer = balancer(&endpoints);
        assert!(endpoints[0].take_slot(Claim::New));
        let constraints = Constraints {
            tried: vec![endpoints[1].id],
            ..Constraints::default()
        };
        assert_eq!(balancer.pick(&endpoints, &wanted(&constraints)), Some(2));
        assert!(endpoints[2].take_slot(Claim::New));
        assert_eq!(balancer.pick(&endpoints, &wanted(&constraints)), None);
    }
}
