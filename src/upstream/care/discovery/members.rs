//! From the places of an answer to endpoints.

use crate::transport::resolve::Found;
use crate::transport::{Address, Query};
use crate::upstream::model::config::EndpointConfig;

/// The endpoints at these places, each with the options of `template`. What is not of the best priority is a backup;
/// the weights of records multiply the template's.
pub(super) fn members(template: &EndpointConfig<Query>, found: &[Found]) -> Vec<EndpointConfig> {
    let best = found.iter().map(|found| found.priority).min();
    let member = |place: &Found| EndpointConfig {
        weight: template.weight.saturating_mul(share(place, found)),
        backup: template.backup || Some(place.priority) != best,
        ..template.at(Address::Tcp(place.address))
    };
    found.iter().map(member).collect()
}

/// A place's share of the requests among those of its priority, in small numbers: 20 and 30 become 2 and 3. Some
/// balancers need time or memory in proportion to the sum. Weight 0, "hardly ever" (RFC 2782), counts as the smallest.
fn share(place: &Found, all: &[Found]) -> u32 {
    let weight = |found: &Found| u32::from(found.weight).max(1);
    let weights = || {
        let group = all.iter().filter(|found| found.priority == place.priority);
        group.map(weight)
    };
    let unit = weights().reduce(divisor).unwrap_or(1);
    let largest = weights().max().unwrap_or(1) / unit;
    let share = weight(place) / unit;
    match largest {
        ..=MOST => share,
        largest => (share * MOST).div_ceil(largest),
    }
}

/// The greatest common divisor.
fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// Largest share of a record: finer ones are rounded up.
const MOST: u32 = 100;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn found(records: &[(u16, u16)]) -> Vec<Found> {
        let place = |(at, (priority, weight)): (usize, &(u16, u16))| Found {
            priority: *priority,
            address: SocketAddr::from(([10, 0, 0, 1], 9000 + u16::try_from(at).unwrap())),
            weight: *weight,
        };
        records.iter().enumerate().map(place).collect()
    }

    fn template() -> EndpointConfig<Query> {
        EndpointConfig::new("dns+srv:_fcgi._tcp.app".parse().unwrap())
    }

    fn weights(records: &[(u16, u16)]) -> Vec<u32> {
        let members = members(&template(), &found(records));
        members.iter().map(|member| member.weight).collect()
    }

    #[test]
    fn weights_become_small_numbers_of_the_same_proportion() {
        assert_eq!(weights(&[(0, 20), (0, 30), (0, 10)]), [2, 3, 1]);
        assert_eq!(weights(&[(0, 33), (0, 33)]), [1, 1]);
        assert_eq!(weights(&[(0, 65_535), (0, 1), (0, 32_768)]), [100, 1, 51]);
        assert_eq!(weights(&[(0, 0), (0, 0)]), [1, 1]);
        assert_eq!(weights(&[(0, 0), (0, 10)]), [1, 10]);
        assert_eq!(weights(&[(1, 10), (2, 7), (2, 14)]), [1, 1, 2], "by priority");
    }

    #[test]
    fn all_but_the_best_priority_are_backups() {
        let members = members(&template(), &found(&[(10, 1), (20, 1), (10, 1), (30, 1)]));
        let backups: Vec<_> = members.iter().map(|member| member.backup).collect();
        assert_eq!(backups, [false, true, false, true]);
    }

    #[test]
    fn every_endpoint_has_the_options_of_its_name() {
        let template = EndpointConfig {
            weight: 3,
            backup: true,
            max_fails: 7,
            ..template()
        };
        let members = members(&template, &found(&[(0, 2), (0, 4)]));
        let seen: Vec<_> = members
            .iter()
            .map(|member| (member.weight, member.backup, member.max_fails))
            .collect();
        assert_eq!(seen, [(3, true, 7), (6, true, 7)]);
        assert_eq!(members[1].address.to_string(), "10.0.0.1:9001");
    }
}
