//! Peak EWMA: of two endpoints drawn by weight, the one where the next answer is expected sooner.
//!
//! Expected is the moving average of the latency, times the exchanges that there would be. Two draws as in finagle and
//! linkerd, also with few endpoints: the average is always a little old, and a balancer that looks at all of them sends
//! everything to the one that was fast a moment ago.
//!
//! An endpoint without an answer yet is tried by one request and then shunned until it has answered. The average of one
//! that is not chosen fades, so that it gets another chance. Time goes by the newest answer of those looked at: a choice
//! needs no clock, and while nothing is answered nothing has to fade.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Balancer, Pick, draw};
use crate::upstream::model::endpoint::Endpoint;
use crate::upstream::model::latency::Latency;

/// By latency.
#[derive(Debug)]
pub struct Ewma {
    random: fastrand::Rng,
    /// The newest answer seen so far.
    now: Option<Instant>,
}

/// Stands for the latency of an endpoint that has a request and never answered one, in seconds: worse than any.
const UNKNOWN: f64 = 1e9;

impl Ewma {
    /// Draws with `random`.
    pub fn new(random: fastrand::Rng) -> Self {
        Self { random, now: None }
    }

    fn cost(&self, endpoint: &Endpoint) -> f64 {
        let in_flight = endpoint.in_flight() as f64;
        let latency = endpoint.latency.as_ref();
        let latency = latency.and_then(|latency| latency.at(self.now));
        let cost = match latency {
            Some(latency) => latency * (in_flight + 1.0),
            None if in_flight == 0.0 => 0.0,
            None => UNKNOWN + in_flight,
        };
        cost / f64::from(endpoint.share())
    }
}

impl Balancer for Ewma {
    fn pick(&mut self, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Option<usize> {
        let (one, two) = draw::two(&mut self.random, endpoints, pick)?;
        let Some(two) = two else { return Some(one) };
        for index in [one, two] {
            let latency = endpoints[index].latency.as_deref();
            self.now = self.now.max(latency.and_then(Latency::since));
        }
        let sooner = self.cost(&endpoints[two]) < self.cost(&endpoints[one]);
        Some(if sooner { two } else { one })
    }

    fn rebuild(&mut self, _: &[Arc<Endpoint>]) {}
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::upstream::select::balance::samples::{Bench, assert_shares, weighted};

    fn bench(weights: &[u32], seed: u64) -> Bench<Ewma> {
        Bench::new(Ewma::new(fastrand::Rng::with_seed(seed)), weighted(weights))
    }

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn the_faster_endpoint_is_chosen() {
        let mut bench = bench(&[1, 1], 1);
        let now = Instant::now();
        bench.answered(0, ms(20), now);
        bench.answered(1, ms(10), now);
        assert_eq!(bench.count(50, None), [0, 50]);
    }

    #[test]
    fn loads_follow_latency_and_weight() {
        let mut bench = bench(&[1, 1, 4], 2);
        let now = Instant::now();
        for (index, latency) in [10, 20, 20].into_iter().enumerate() {
            bench.answered(index, ms(latency), now);
        }
        for _ in 0..700 {
            bench.take();
        }
        assert_shares(&bench.in_flight(), &[2, 1, 4], 0.05);
    }

    #[test]
    fn an_unknown_endpoint_is_tried_once_until_it_answers() {
        let mut bench = bench(&[1, 1], 3);
        bench.answered(0, ms(1), Instant::now());
        bench.take();
        bench.take();
        bench.take();
        assert_eq!(bench.in_flight(), [2, 1]);
    }

    #[test]
    fn a_slow_answer_is_forgotten_with_time() {
        let mut bench = bench(&[1, 1], 4);
        let start = Instant::now();
        bench.answered(0, ms(500), start);
        bench.answered(1, ms(50), start);
        assert_eq!(bench.pick(), Some(1));
        bench.answered(1, ms(50), start + ms(20_000));
        assert_eq!(bench.pick(), Some(1), "a seventh of 500 ms");
        bench.answered(1, ms(50), start + ms(30_000));
        assert_eq!(bench.pick(), Some(0), "a twentieth");
    }
}
