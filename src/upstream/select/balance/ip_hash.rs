//! The endpoint of a client's address: nginx's `ip_hash`, with the same result for the same list of endpoints.
//!
//! Counted are the first three octets of an IPv4 address and all of an IPv6 one (`ngx_http_upstream_ip_hash_module.c`).
//! nginx hashes them again and again, starting from the last result, until it hits an endpoint that may be used; each
//! round is `hash * a + b` modulo 6271, with `a` of the kind of address and `b` of the address itself. The key of a
//! request is both.
//!
//! Every endpoint of its group keeps its place whether it may be used or not, so that clients of the others stay where
//! they are. Slow start does not apply: an address has one endpoint and not a share of it.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Balancer, Pick, RoundRobin};
use crate::upstream::model::endpoint::Endpoint;

/// By the client's address.
#[derive(Debug, Default)]
pub struct IpHash {
    turns: RoundRobin,
}

/// Both constants are nginx's.
const MULTIPLIER: u64 = 113;
const MODULUS: u64 = 6271;

/// nginx's first value.
const SEED: u64 = 89;

/// So many endpoints are looked at before the next one in turn is taken, as nginx does.
const TRIES: usize = 21;

/// Marks the key of an IPv6 address.
const WIDE: u64 = 1 << 32;

/// The key of a client's address. Those on unix sockets are all alike.
pub fn key(address: Option<IpAddr>) -> u64 {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => rounds(&address.octets()[..NARROW_OCTETS], 0),
        Some(IpAddr::V6(address)) => rounds(&address.octets(), 0) | WIDE,
        None => 0,
    }
}

impl Balancer for IpHash {
    fn pick(&mut self, endpoints: &[Arc<Endpoint>], pick: &Pick<'_>) -> Option<usize> {
        let key = pick.constraints.key.unwrap_or_default();
        let places = || {
            let all = endpoints.iter().enumerate();
            all.filter(|(_, endpoint)| endpoint.config.backup == pick.backup)
        };
        let sum: u64 = places()
            .map(|(_, endpoint)| u64::from(endpoint.config.weight))
            .sum();
        let mut hash = SEED;
        for _ in 0..TRIES {
            hash = round(key, hash);
            let mut left = hash.checked_rem(sum)?;
            for (index, endpoint) in places() {
                match left.checked_sub(endpoint.config.weight.into()) {
                    Some(rest) => left = rest,
                    None if pick.eligible(endpoint) => return Some(index),
                    None => break,
                }
            }
        }
        self.turns.among(endpoints, |endpoint| pick.eligible(endpoint))
    }

    fn rebuild(&mut self, endpoints: &[Arc<Endpoint>]) {
        self.turns.rebuild(endpoints);
    }
}

/// The hash after `octets`, one after the other.
fn rounds(octets: &[u8], hash: u64) -> u64 {
    octets.iter().fold(hash, |hash, octet| {
        (hash * MULTIPLIER + u64::from(*octet)) % MODULUS
    })
}

/// What `rounds` of the address with this key does.
fn round(key: u64, hash: u64) -> u64 {
    let zeros: &[u8] = if key & WIDE == 0 {
        &[0; NARROW_OCTETS]
    } else {
        &[0; 16]
    };
    (rounds(zeros, hash) + (key & !WIDE)) % MODULUS
}

/// Of an IPv4 address.
const NARROW_OCTETS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::select::balance::samples::{Bench, assert_shares, weighted};

    fn key_of(address: &str) -> Option<u64> {
        Some(key(Some(address.parse().unwrap())))
    }

    fn bench(weights: &[u32]) -> Bench<IpHash> {
        Bench::new(IpHash::default(), weighted(weights))
    }

    #[test]
    fn a_round_of_the_key_is_a_round_of_the_address() {
        let (narrow, wide) = ([192, 0, 2], "2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap());
        for start in [0, 1, SEED, 6270] {
            assert_eq!(round(key_of("192.0.2.1").unwrap(), start), rounds(&narrow, start));
            assert_eq!(
                round(key_of("2001:db8::7").unwrap(), start),
                rounds(&wide.octets(), start)
            );
        }
    }

    #[test]
    fn the_last_octet_of_ipv4_does_not_count() {
        assert_eq!(key_of("192.0.2.1"), key_of("192.0.2.255"));
        assert_ne!(key_of("192.0.2.1"), key_of("192.0.3.1"));
        assert_eq!(key_of("::ffff:192.0.2.1"), key_of("192.0.2.1"));
        assert_ne!(key_of("2001:db8::1"), key_of("2001:db8::2"));
    }

    #[test]
    fn clients_are_spread_by_weight() {
        let mut counts = vec![0; 3];
        let mut bench = bench(&[1, 2, 3]);
        for network in 0..6_000_u32 {
            let octets = network.wrapping_mul(2_654_435_761).to_be_bytes();
            let address = IpAddr::from([octets[0], octets[1], octets[2], 1]);
            counts[bench.pick_key(Some(key(Some(address)))).unwrap()] += 1;
        }
        assert_shares(&counts, &[1, 2, 3], 0.1);
    }

    #[test]
    fn a_client_whose_endpoint_is_full_goes_elsewhere_and_the_others_stay() {
        let mut bench = bench(&[1, 1, 1]);
        let keys: Vec<_> = (0..100).map(|third| key_of(&format!("10.0.{third}.1"))).collect();
        let before: Vec<_> = keys.iter().map(|key| bench.pick_key(*key).unwrap()).collect();
        bench.limit(1, 0);
        for (key, before) in keys.iter().zip(before) {
            let now = bench.pick_key(*key).unwrap();
            assert_ne!(now, 1);
            assert!(before == 1 || before == now);
        }
    }

    #[test]
    fn when_the_hash_finds_no_endpoint_the_next_in_turn_serves() {
        // 1 of 1,000 is hit in 21 rounds by few.
        let mut bench = bench(&[999, 1]);
        bench.limit(0, 0);
        assert_eq!(bench.pick_key(key_of("192.0.2.1")), Some(1));
        bench.limit(1, 0);
        assert_eq!(bench.pick_key(key_of("192.0.2.1")), None);
    }
}
