//! Consistent hashing: similar requests to the same endpoint, and few of them move when an endpoint comes or goes.
//!
//! The ring is that of nginx's `hash … consistent` (`ngx_http_upstream_hash_module.c`), which is that of libketama: 160
//! points for each unit of weight, each the CRC-32 of host, NUL, port and the point before. The same names and weights
//! give the same endpoint for the same key, so that nginx, other gateways and this one can stand side by side.
//!
//! An endpoint that may not be used is passed over to the next point. nginx does that at most 20 times and then takes
//! the next endpoint in turn; here the whole ring is walked, so that a key has one endpoint as long as the same ones
//! are usable. With a bound, an endpoint is passed over as well while it has more than its share of the exchanges
//! under way ("Consistent Hashing with Bounded Loads", Mirrokni and others, 2016). Slow start applies to the bound only.

use std::sync::Arc;

use crc32fast::Hasher;

use super::{Balancer, Pick, RoundRobin};
use crate::transport::Address;
use crate::upstream::model::config::Bound;
use crate::upstream::model::endpoint::Endpoint;

/// By key. Requests without one have their turns.
#[derive(Debug)]
pub struct Hash {
    ring: Vec<Point>,
    bound: Option<Bound>,
    turns: RoundRobin,
}

/// Where an endpoint's arc of the ring ends.
#[derive(Clone, Copy, Debug)]
struct Point {
    hash: u32,
    endpoint: u32,
}

/// Points for each unit of weight, as in nginx and libketama: 1,280 bytes of memory. Weights are bounded by the
/// configuration.
const POINTS: u32 = 160;

impl Hash {
    /// A ring without points.
    pub fn new(bound: Option<Bound>) -> Self {
        Self {
            ring: Vec::new(),
            bound,
            turns: RoundRobin::default(),
        }
    }

    /// The ring from the point of `key` on, once around.
    fn onwards(&self, key: u64) -> impl Iterator<Item = usize> {
        let start = self.ring.partition_point(|point| u64::from(point.hash) < key);
        let (before, after) = self.ring.split_at(start);
        after.iter().chain(before).map(|point| point.endpoint as usize)
    }
}

impl Balancer for Hash {
    fn pick(&mut self, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Option<usize> {
        let Some(key) = pick.constraints.key else {
            return self.turns.pick(endpoints, pick);
        };
        let quota = self.bound.map(|bound| Quota::new(bound, endpoints, pick));
        let light = |endpoint: &Endpoint| {
            let fits = |quota: Quota| quota.has_room(endpoint);
            pick.eligible(endpoint) && quota.is_none_or(fits)
        };
        // When those that are left are all above their shares, the bound has no meaning.
        let bounded = endpoints.iter().any(|endpoint| light(endpoint));
        if !bounded && !endpoints.iter().any(|endpoint| pick.eligible(endpoint)) {
            return None;
        }
        self.onwards(key).find(|index| match bounded {
            true => light(&endpoints[*index]),
            false => pick.eligible(&endpoints[*index]),
        })
    }

    fn rebuild(&mut self, endpoints: &[Arc<Endpoint>]) {
        self.turns.rebuild(endpoints);
        self.ring.clear();
        for (endpoint, number) in endpoints.iter().zip(0..) {
            let hashes = points(&endpoint.config.address, endpoint.config.weight);
            self.ring.extend(hashes.map(|hash| Point {
                hash,
                endpoint: number,
            }));
        }
        // Stable: of two equal points the one of the earlier endpoint counts.
        self.ring.sort_by_key(|point| point.hash);
        self.ring.dedup_by_key(|point| point.hash);
    }
}

/// The points of one endpoint.
fn points(address: &Address, weight: u32) -> impl Iterator<Item = u32> {
    let mut base = Hasher::new();
    match address {
        Address::Unix(path) => {
            base.update(path.as_os_str().as_encoded_bytes());
            base.update(b"\0");
        }
        Address::Abstract(name) => {
            base.update(b"@");
            base.update(name.as_bytes());
            base.update(b"\0");
        }
        tcp => {
            let name = tcp.to_string();
            let (host, port) = name.rsplit_once(':').unwrap_or((&name, ""));
            base.update(host.as_bytes());
            base.update(b"\0");
            base.update(port.as_bytes());
        }
    }
    let mut last = 0_u32;
    (0..weight.saturating_mul(POINTS)).map(move |_| {
        let mut point = base.clone();
        point.update(&last.to_le_bytes());
        last = point.finalize();
        last
    })
}

/// How many exchanges an endpoint may have under way.
#[derive(Clone, Copy, Debug)]
struct Quota {
    /// In thousandths, for all endpoints together, the request in question included.
    exchanges: u128,
    shares: u128,
}

impl Quota {
    fn new(bound: Bound, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Self {
        let possible = || endpoints.iter().filter(|endpoint| pick.possible(endpoint));
        let in_flight: u128 = possible().map(|endpoint| endpoint.in_flight() as u128).sum();
        Self {
            exchanges: (in_flight + 1) * u128::from(bound.thousandths()),
            shares: possible().map(|endpoint| u128::from(endpoint.share())).sum(),
        }
    }

    /// Whether one more exchange stays within the endpoint's quota, rounded up.
    fn has_room(self, endpoint: &Endpoint) -> bool {
        let quota = (self.exchanges * u128::from(endpoint.share())).div_ceil(1000 * self.shares.max(1));
        (endpoint.in_flight() as u128) < quota
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::upstream::model::config::EndpointConfig;
    use crate::upstream::model::occupancy::Claim;
    use crate::upstream::select::balance::samples::{Bench, assert_shares, weighted};

    fn bench(endpoints: Vec<EndpointConfig>) -> Bench<Hash> {
        Bench::new(Hash::new(None), endpoints)
    }

    fn bounded(bound: &str, weights: &[u32]) -> Bench<Hash> {
        Bench::new(Hash::new(Some(bound.parse().unwrap())), weighted(weights))
    }

    fn keys(count: usize) -> impl Iterator<Item = u64> {
        (0..count).map(|number| key(&format!("/page/{number}")))
    }

    fn key(text: &str) -> u64 {
        crc32fast::hash(text.as_bytes()).into()
    }

    #[test]
    fn pingoras_ring_is_ours() {
        // Without IPv6: pingora writes it without brackets, unlike nginx.
        let addresses = ["10.0.0.1:80", "10.0.0.2:8080", "192.0.2.7:9000", "10.0.0.1:81"];
        let weights = [1, 3, 10, 2];
        let endpoints = addresses
            .iter()
            .zip(weights)
            .map(|(address, weight)| EndpointConfig {
                weight,
                ..EndpointConfig::new(address.parse().unwrap())
            });
        let mut bench = bench(endpoints.collect());
        let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let buckets: Vec<_> = addresses
            .iter()
            .zip(weights)
            .map(|(address, weight)| pingora_ketama::Bucket::new(*address, weight))
            .collect();
        let oracle = pingora_ketama::Continuum::new(&buckets);
        for number in 0..5_000 {
            let text = format!("/page/{number}");
            let ours = addresses[bench.pick_key(Some(key(&text))).unwrap()];
            assert_eq!(Some(ours), oracle.node(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn keys_are_spread_by_weight() {
        let mut bench = bench(weighted(&[1, 2, 4]));
        let mut counts = vec![0; 3];
        for key in keys(10_000) {
            counts[bench.pick_key(Some(key)).unwrap()] += 1;
        }
        assert_shares(&counts, &[1, 2, 4], 0.15);
    }

    #[test]
    fn only_the_keys_of_a_removed_endpoint_move() {
        let all = weighted(&[1, 1, 1, 1]);
        let mut before = bench(all.clone());
        let mut after = bench(vec![all[0].clone(), all[1].clone(), all[3].clone()]);
        let mut moved = 0;
        for key in keys(4_000) {
            let old = before.pick_key(Some(key)).unwrap();
            let new = [0, 1, 3][after.pick_key(Some(key)).unwrap()];
            assert!(old == 2 || old == new);
            moved += usize::from(old != new);
        }
        assert!((700..1_300).contains(&moved), "{moved} of 4,000");
    }

    #[test]
    fn an_endpoint_that_is_full_hands_over_what_a_removed_one_would() {
        let all = weighted(&[1, 2, 1]);
        let mut full = bench(all.clone());
        full.limit(1, 0);
        let mut removed = bench(vec![all[0].clone(), all[2].clone()]);
        for key in keys(1_000) {
            let index = [0, 2][removed.pick_key(Some(key)).unwrap()];
            assert_eq!(full.pick_key(Some(key)), Some(index));
        }
        full.limit(0, 0);
        full.limit(2, 0);
        assert_eq!(full.pick_key(Some(1)), None);
    }

    #[test]
    fn requests_without_a_key_have_their_turns() {
        let mut bench = bench(weighted(&[1, 2]));
        assert_eq!(bench.count(30, None), [10, 20]);
    }

    #[test]
    fn unix_sockets_are_named_by_their_paths() {
        // Of path, NUL and the point before; tests/gateway/balancing/nginx.rs asks nginx.
        let first = points(&"unix:/run/a.sock".parse().unwrap(), 1).next();
        assert_eq!(first, Some(crc32fast::hash(b"/run/a.sock\0\0\0\0\0")));
    }

    #[test]
    fn a_bound_spreads_what_one_key_brings() {
        let mut bench = bounded("1.25", &[1, 1, 1, 1]);
        let constraints = super::super::Constraints {
            key: Some(key("/popular")),
            ..super::super::Constraints::default()
        };
        for taken in 1..=400 {
            let index = bench.pick_wish(&constraints).unwrap();
            assert!(bench.endpoints[index].take_slot(Claim::New));
            let most = bench.in_flight().into_iter().max().unwrap();
            let quota = (1.25 * f64::from(taken) / 4.0).ceil() as usize;
            assert!(most <= quota, "{most} of {taken}");
        }
    }

    #[test]
    fn a_bound_changes_nothing_while_loads_are_even() {
        let (mut plain, mut bounded) = (bench(weighted(&[1, 3])), bounded("1.5", &[1, 3]));
        bounded.load(&[10, 30]);
        for key in keys(500) {
            assert_eq!(plain.pick_key(Some(key)), bounded.pick_key(Some(key)));
        }
    }

    #[test]
    fn a_bound_that_no_endpoint_keeps_is_ignored() {
        let mut bench = bounded("1.1", &[1, 1]);
        bench.load(&[2, 50]);
        bench.limit(0, 2);
        assert_eq!(bench.pick_key(Some(1)), Some(1));
    }
}
