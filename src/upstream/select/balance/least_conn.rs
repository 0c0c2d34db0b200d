//! Least connections: the endpoint with the fewest exchanges under way for its weight.

use std::sync::Arc;

use super::load::Load;
use super::{Balancer, Pick, RoundRobin};
use crate::upstream::model::endpoint::Endpoint;

/// The least loaded. Those that are equally loaded have their turns in proportion to their weights, so that a gateway
/// with little to do does not send everything to the first one.
#[derive(Debug, Default)]
pub struct LeastConn {
    turns: RoundRobin,
}

impl Balancer for LeastConn {
    fn pick(&mut self, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Option<usize> {
        let eligible = endpoints.iter().filter(|endpoint| pick.eligible(endpoint));
        let least = eligible.map(|endpoint| Load::of(endpoint)).min()?;
        self.turns.among(endpoints, |endpoint| {
            pick.eligible(endpoint) && Load::of(endpoint) == least
        })
    }

    fn rebuild(&mut self, endpoints: &[Arc<Endpoint>]) {
        self.turns.rebuild(endpoints);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::select::balance::samples::{Bench, weighted};

    #[test]
    fn the_least_loaded_for_its_weight_is_chosen() {
        let mut bench = Bench::new(LeastConn::default(), weighted(&[1, 2, 1]));
        bench.load(&[1, 1, 1]);
        assert_eq!(bench.pick(), Some(1));
        bench.load(&[0, 2, 0]);
        assert_eq!(bench.pick(), Some(0), "a tie of two");
        assert_eq!(bench.pick(), Some(2), "in turn");
    }

    #[test]
    fn an_idle_pool_is_used_in_turn_by_weight() {
        let mut bench = Bench::new(LeastConn::default(), weighted(&[3, 1]));
        assert_eq!(bench.count(400, None), [300, 100]);
    }

    #[test]
    fn loads_follow_the_weights() {
        let mut bench = Bench::new(LeastConn::default(), weighted(&[1, 2, 5]));
        for _ in 0..80 {
            bench.take();
        }
        assert_eq!(bench.in_flight(), [10, 20, 50]);
    }

    #[test]
    fn a_full_endpoint_is_passed_over() {
        let mut bench = Bench::new(LeastConn::default(), weighted(&[1, 1]));
        bench.limit(0, 1);
        bench.load(&[1, 7]);
        assert_eq!(bench.pick(), Some(1));
        bench.limit(1, 8);
        bench.load(&[1, 8]);
        assert_eq!(bench.pick(), None);
    }
}
