//! Which clients a route is for, by their networks.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;

/// Networks of clients that may ask, and of those that may not.
///
/// The smallest network that a client is in decides; of two that are the same, `deny`. A client in none may ask unless
/// some are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Those that may.
    pub allow: Vec<IpNet>,
    /// Those that may not.
    pub deny: Vec<IpNet>,
}

/// Keeps the others away. A client on a unix socket has no network: the mode of the socket decided.
pub(super) struct Networks(Settings);

impl Settings {
    /// Whether there is no network.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    fn admits(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let smallest = |networks: &[IpNet]| {
            let around = networks.iter().filter(|network| network.contains(&ip));
            around.map(IpNet::prefix_len).max()
        };
        match (smallest(&self.allow), smallest(&self.deny)) {
            (Some(allowed), Some(denied)) => allowed > denied,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.allow.is_empty(),
        }
    }
}

impl Networks {
    /// Nothing without a network.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        (!settings.is_empty()).then(|| Self(settings.clone()))
    }
}

impl Filter for Networks {
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        let client = exchange.client().remote.as_ref();
        let client = client.map(|peer| peer.address.ip());
        match client.is_none_or(|ip| self.0.admits(ip)) {
            true => Ok(None),
            false => Err(Rejection::NotAllowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_network_decides() {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        for (allow, deny, ip, admitted) in [
            (&[][..], &["10.0.0.0/8"][..], "10.1.2.3", false),
            (&[], &["10.0.0.0/8"], "11.1.2.3", true),
            (&["10.0.0.0/8"], &[], "11.1.2.3", false),
            (&["10.0.0.0/8"], &["0.0.0.0/0"], "10.1.2.3", true),
            (&["10.0.0.0/8"], &["10.1.0.0/16"], "10.1.2.3", false),
            (&["10.1.2.3/32"], &["10.1.0.0/16"], "10.1.2.3", true),
            (&["10.0.0.0/8"], &["10.0.0.0/8"], "10.1.2.3", false),
            (&["10.0.0.0/8"], &[], "::ffff:10.1.2.3", true),
            (&["fd00::/8"], &[], "fd00::1", true),
        ] {
            let settings = Settings {
                allow: networks(allow),
                deny: networks(deny),
            };
            assert_eq!(
                settings.admits(ip.parse().unwrap()),
                admitted,
                "{allow:?} {deny:?} {ip}"
            );
        }
    }
}
