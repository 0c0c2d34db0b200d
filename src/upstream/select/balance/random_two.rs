//! Two random choices: of two endpoints drawn by weight, the less loaded one.
//!
//! Nearly as even as looking at all of them, and several gateways in front of the same endpoints do not all run to the
//! one that was idle a moment ago.

use std::sync::Arc;

use super::load::Load;
use super::{Balancer, Pick, draw};
use crate::upstream::model::endpoint::Endpoint;

/// Two random choices.
#[derive(Debug)]
pub struct RandomTwo {
    random: fastrand::Rng,
}

impl RandomTwo {
    /// Draws with `random`.
    pub fn new(random: fastrand::Rng) -> Self {
        Self { random }
    }
}

impl Balancer for RandomTwo {
    fn pick(&mut self, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Option<usize> {
        let (one, two) = draw::two(&mut self.random, endpoints, pick)?;
        let lighter = two.filter(|two| Load::of(&endpoints[*two]) < Load::of(&endpoints[one]));
        Some(lighter.unwrap_or(one))
    }

    fn rebuild(&mut self, _: &[Arc<Endpoint>]) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::select::balance::samples::{Bench, assert_shares, weighted};

    fn bench(weights: &[u32], seed: u64) -> Bench<RandomTwo> {
        Bench::new(RandomTwo::new(fastrand::Rng::with_seed(seed)), weighted(weights))
    }

    #[test]
    fn an_idle_pool_is_used_by_weight() {
        for seed in 0..20 {
            let mut bench = bench(&[1, 2, 1], seed);
            assert_shares(&bench.count(4_000, None), &[1, 2, 1], 0.1);
        }
    }

    #[test]
    fn loads_stay_close_to_the_weights() {
        for seed in 0..20 {
            let mut bench = bench(&[1, 1, 2, 4], seed);
            for _ in 0..800 {
                bench.take();
            }
            assert_shares(&bench.in_flight(), &[1, 1, 2, 4], 0.05);
        }
    }

    #[test]
    fn of_two_the_less_loaded_is_chosen() {
        let mut bench = bench(&[1, 1], 7);
        bench.load(&[1, 0]);
        assert_eq!(bench.count(50, None), [0, 50]);
    }

    #[test]
    fn the_only_one_that_is_left_is_chosen() {
        let mut bench = bench(&[1, 1, 1], 7);
        for index in [0, 2] {
            bench.limit(index, 0);
        }
        assert_eq!(bench.pick(), Some(1));
        bench.limit(1, 0);
        assert_eq!(bench.pick(), None);
    }
}
