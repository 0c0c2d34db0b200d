//! What every algorithm owes the pool.

use super::samples::{Bench, weighted};
use super::*;

fn every_algorithm() -> Vec<Balance> {
    let hash = |text: &str| {
        Balance::Hash(crate::upstream::model::config::Hash {
            key: "uri".parse().unwrap(),
            bound: text.parse().ok(),
        })
    };
    vec![
        Balance::RoundRobin,
        Balance::LeastConn,
        Balance::RandomTwo,
        Balance::IpHash,
        hash("none"),
        hash("1.1"),
        Balance::Ewma,
    ]
}

impl<B: Balancer + ?Sized> Balancer for Box<B> {
    fn pick(&mut self, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Option<usize> {
        self.as_mut().pick(endpoints, pick)
    }

    fn rebuild(&mut self, endpoints: &[Arc<Endpoint>]) {
        self.as_mut().rebuild(endpoints);
    }
}

/// No request that may be served is left waiting, whatever the loads, limits, weights and keys.
#[test]
fn an_eligible_endpoint_is_found_whenever_there_is_one() {
    for balance in every_algorithm() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            fastrand::seed(seed);
            let weights: Vec<u32> = (0..random.usize(1..6)).map(|_| random.u32(1..5)).collect();
            let mut configs = weighted(&weights);
            for config in &mut configs {
                config.backup = random.u8(..4) == 0;
                config.drain = random.u8(..6) == 0;
            }
            let mut bench = Bench::new(make(&balance), configs);
            for _ in 0..20 {
                let loads: Vec<usize> = weights.iter().map(|_| random.usize(..4)).collect();
                bench.load(&loads);
                (0..weights.len()).for_each(|index| bench.limit(index, random.usize(..5)));
                let tried = bench.endpoints.iter().filter(|_| random.u8(..4) == 0);
                let constraints = Constraints {
                    tried: tried.map(|endpoint| endpoint.id).collect(),
                    key: random.bool().then(|| random.u32(..).into()),
                    ..Constraints::default()
                };
                let pick = Pick {
                    constraints: &constraints,
                    backup: random.bool(),
                    circuit: CircuitState::Closed,
                    claim: Claim::New,
                };
                let eligible = |index: usize| pick.eligible(&bench.endpoints[index]);
                let any = (0..weights.len()).any(eligible);
                let picked = bench.balancer.pick(&bench.endpoints, &pick);
                assert_eq!(picked.is_some(), any, "{balance:?}, seed {seed}");
                assert!(picked.is_none_or(eligible), "{balance:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn a_warming_endpoint_gets_less() {
    for balance in [Balance::RoundRobin, Balance::LeastConn, Balance::RandomTwo] {
        fastrand::seed(1);
        let mut bench = Bench::new(make(&balance), weighted(&[1, 1]));
        bench.endpoints[0].set_warmth(0.25);
        (0..1_000).for_each(|_| bench.take());
        let warming = bench.in_flight()[0];
        assert!(
            (180..=220).contains(&warming),
            "{warming} of 1,000 by {balance:?}"
        );
    }
}
