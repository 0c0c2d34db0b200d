//! Smooth weighted round robin: in turn, in proportion to the weights, never in bursts.

use std::sync::{Mutex, PoisonError};

use super::{Balancer, Pick};
use crate::upstream::endpoint::Endpoint;

/// In turn. Every choice raises each candidate by its weight and lowers the chosen one by the sum, so that
/// weights 5, 1, 1 give a a b a c a a and not a a a a a b c.
#[derive(Debug)]
pub struct RoundRobin {
    current: Mutex<Vec<i64>>,
}

impl RoundRobin {
    /// A balancer for `endpoints` endpoints.
    pub fn new(endpoints: usize) -> Self {
        Self {
            current: Mutex::new(vec![0; endpoints]),
        }
    }
}

impl Balancer for RoundRobin {
    fn pick(&self, endpoints: &[Endpoint], pick: &Pick<'_>) -> Option<usize> {
        if let [only] = endpoints {
            return pick.eligible(0, only).then_some(0);
        }
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = 0;
        let mut best: Option<usize> = None;
        for (index, endpoint) in endpoints.iter().enumerate() {
            if !pick.eligible(index, endpoint) {
                continue;
            }
            let weight = i64::from(endpoint.weight);
            sum += weight;
            current[index] += weight;
            if best.is_none_or(|best| current[index] > current[best]) {
                best = Some(index);
            }
        }
        current[best?] -= sum;
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::config::EndpointConfig;

    fn endpoints(weights: &[u32]) -> Vec<Endpoint> {
        let config = |weight| EndpointConfig {
            address: "127.0.0.1:1".parse().unwrap(),
            weight,
            backup: false,
        };
        weights
            .iter()
            .map(|weight| Endpoint::new(&config(*weight)))
            .collect()
    }

    fn any() -> Pick<'static> {
        Pick {
            tried: &[],
            slots: usize::MAX,
            backup: false,
        }
    }

    #[test]
    fn weights_are_kept_without_bursts() {
        let endpoints = endpoints(&[5, 1, 1]);
        let balancer = RoundRobin::new(3);
        let picks: Vec<_> = (0..7)
            .map(|_| balancer.pick(&endpoints, &any()).unwrap())
            .collect();
        assert_eq!(picks, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn a_full_or_tried_endpoint_is_passed_over() {
        let endpoints = endpoints(&[1, 1, 1]);
        let balancer = RoundRobin::new(3);
        endpoints[0].slot_taken();
        let pick = Pick {
            tried: &[1],
            slots: 1,
            backup: false,
        };
        assert_eq!(balancer.pick(&endpoints, &pick), Some(2));
        endpoints[2].slot_taken();
        assert_eq!(balancer.pick(&endpoints, &pick), None);
    }
}
