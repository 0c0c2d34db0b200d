//! Which clients a route is for, by their networks.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::frontend::exchange::Exchange;

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

/// What networks say of clients.
pub(super) struct Networks(Settings);

/// What they say of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may ask: a network of `allow` says so.
    Named,
    /// It may ask, since nothing says otherwise. A client on a unix socket has no network: the mode of the socket decided.
    Unnamed,
    /// It may not.
    Denied,
}

impl Settings {
    /// Whether there is no network.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    fn judge(&self, ip: IpAddr) -> Verdict {
        let ip = ip.to_canonical();
        let smallest = |networks: &[IpNet]| {
            let around = networks.iter().filter(|network| network.contains(&ip));
            around.map(IpNet::prefix_len).max()
        };
        match (smallest(&self.allow), smallest(&self.deny)) {
            (Some(allowed), Some(denied)) if allowed > denied => Verdict::Named,
            (Some(_), None) => Verdict::Named,
            (None, None) if self.allow.is_empty() => Verdict::Unnamed,
            (_, Some(_)) | (None, None) => Verdict::Denied,
        }
    }
}

impl Networks {
    /// Nothing without a network.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        (!settings.is_empty()).then(|| Self(settings.clone()))
    }

    /// What they say of the client of a request.
    pub(super) fn judge(&self, exchange: &mut Exchange) -> Verdict {
        match &exchange.client().remote {
            Some(peer) => self.0.judge(peer.address.ip()),
            None => Verdict::Unnamed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_network_decides() {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        for (allow, deny, ip, verdict) in [
            (&[][..], &["10.0.0.0/8"][..], "10.1.2.3", Verdict::Denied),
            (&[], &["10.0.0.0/8"], "11.1.2.3", Verdict::Unnamed),
            (&["10.0.0.0/8"], &[], "11.1.2.3", Verdict::Denied),
            (&["10.0.0.0/8"], &["0.0.0.0/0"], "10.1.2.3", Verdict::Named),
            (&["10.0.0.0/8"], &["10.1.0.0/16"], "10.1.2.3", Verdict::Denied),
            (&["10.1.2.3/32"], &["10.1.0.0/16"], "10.1.2.3", Verdict::Named),
            (&["10.0.0.0/8"], &["10.0.0.0/8"], "10.1.2.3", Verdict::Denied),
            (&["10.0.0.0/8"], &[], "::ffff:10.1.2.3", Verdict::Named),
            (&["fd00::/8"], &[], "fd00::1", Verdict::Named),
        ] {
            let settings = Settings {
                allow: networks(allow),
                deny: networks(deny),
            };
            assert_eq!(
                settings.judge(ip.parse().unwrap()),
                verdict,
                "{allow:?} {deny:?} {ip}"
            );
        }
    }
}
