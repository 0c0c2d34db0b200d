//! How many answers go to a network over UDP, whose askers may not be those that have asked.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use super::answer::Way;

/// Answers to one network: a directory that looks from several places asks a few dozen times for an order.
const OF_NETWORK: Rate = Rate {
    per_second: 50,
    burst: 200,
};

/// Messages of all networks together; others are not looked at.
const OF_ALL: Rate = Rate {
    per_second: 5_000,
    burst: 10_000,
};

/// Networks that are told apart, as far as their digests are.
const NETWORKS: usize = 4096;

/// A number of things in a time.
#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: u32,
    burst: u32,
}

/// When the next thing would be in time (the generic cell rate algorithm, ITU-T I.371): moments as times since the start.
#[derive(Clone, Copy, Debug, Default)]
struct Due(Duration);

/// What has been answered lately. A few kilobytes, however many ask.
#[derive(Debug)]
pub(super) struct Rates {
    all: Due,
    networks: Vec<Due>,
    /// Which networks share a place is not to be found out from outside.
    hasher: RandomState,
}

impl Rates {
    pub(super) fn new() -> Self {
        Self {
            all: Due::default(),
            networks: vec![Due::default(); NETWORKS],
            hasher: RandomState::new(),
        }
    }

    /// How a message from an address is to be answered; `now`: time since the start. `None`: not at all.
    pub(super) fn admit(&mut self, from: IpAddr, now: Duration) -> Option<Way> {
        if !self.all.admit(OF_ALL, now) {
            return None;
        }
        let place = self.hasher.hash_one(network(from)) as usize % NETWORKS;
        let network = self.networks.get_mut(place)?;
        Some(match network.admit(OF_NETWORK, now) {
            true => Way::Udp,
            false => Way::UdpInShort,
        })
    }
}

impl Due {
    fn admit(&mut self, rate: Rate, now: Duration) -> bool {
        let each = Duration::from_secs(1) / rate.per_second;
        let due = self.0.max(now);
        let admitted = due <= now + each * (rate.burst - 1);
        if admitted {
            self.0 = due + each;
        }
        admitted
    }
}

/// What one asker has at its disposal, usually: 24 bits of an address of IPv4, 56 of one of IPv6.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits() >> 8),
        IpAddr::V6(address) => (address.to_bits() >> 72) as u64 | 1 << 63,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(rates: &mut Rates, from: &str, now: Duration, count: u32) -> (u32, u32) {
        let from = from.parse().unwrap();
        let mut found = (0, 0);
        for _ in 0..count {
            match rates.admit(from, now) {
                Some(Way::Udp) => found.0 += 1,
                Some(_) => found.1 += 1,
                None => {}
            }
        }
        found
    }

    #[test]
    fn a_network_gets_short_answers_above_its_rate_and_whole_ones_later() {
        let mut rates = Rates::new();
        let start = Duration::from_secs(7);
        assert_eq!(ways(&mut rates, "192.0.2.1", start, 250), (200, 50));
        assert_eq!(ways(&mut rates, "192.0.2.99", start, 5), (0, 5));
        assert_eq!(ways(&mut rates, "::ffff:192.0.2.7", start, 5), (0, 5));
        assert_eq!(
            ways(&mut rates, "192.0.2.1", start + Duration::from_secs(1), 60),
            (50, 10)
        );
    }

    #[test]
    fn all_networks_together_have_a_limit() {
        let mut rates = Rates::new();
        let mut looked_at = 0;
        for network in 0..=u16::MAX {
            let [high, low] = network.to_be_bytes();
            let (whole, short) = ways(&mut rates, &format!("10.{high}.{low}.1"), Duration::ZERO, 1);
            looked_at += whole + short;
        }
        assert_eq!(looked_at, OF_ALL.burst);
    }

    #[test]
    fn networks_are_told_apart_by_the_part_that_an_asker_cannot_choose() {
        let of = |address: &str| network(address.parse().unwrap());
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:f::2"));
        assert_ne!(of("2001:db8:0:100::1"), of("2001:db8:0:200::1"));
        assert_eq!(of("192.0.2.1"), of("192.0.2.200"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
    }
}
