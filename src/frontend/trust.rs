//! Which proxies are believed.

use std::net::IpAddr;

use ipnet::IpNet;

/// Peers whose fields about the client are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    /// All on unix sockets: who may connect there is said by the mode of the socket.
    Unix,
    /// Those in a network.
    Network(IpNet),
}

/// What is believed about clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Whose word counts.
    pub proxies: Vec<TrustedProxy>,
}

impl Trust {
    /// Whether a peer is believed; one on a unix socket has no address.
    pub fn has_peer(&self, peer: Option<IpAddr>) -> bool {
        match peer {
            Some(ip) => self.has(ip),
            None => self.has_unix(),
        }
    }

    /// Whether an address is that of a proxy that is believed.
    pub fn has(&self, ip: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| match proxy {
            TrustedProxy::Unix => false,
            TrustedProxy::Network(network) => network.contains(&ip),
        })
    }

    /// Whether peers on unix sockets are believed.
    pub fn has_unix(&self) -> bool {
        self.proxies.contains(&TrustedProxy::Unix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(networks: &[&str]) -> Trust {
        let networks = networks.iter().map(|network| network.parse().unwrap());
        Trust {
            proxies: networks.map(TrustedProxy::Network).collect(),
        }
    }

    #[test]
    fn peers_on_unix_sockets_are_believed_where_that_is_said() {
        let mut trust = trust(&["10.0.0.0/8"]);
        assert!(!trust.has_peer(None));
        trust.proxies.push(TrustedProxy::Unix);
        assert!(trust.has_peer(None) && trust.has_unix());
    }

    #[test]
    fn a_peer_is_believed_by_its_network() {
        let trust = trust(&["10.0.0.0/8", "2001:db8::/32"]);
        for (ip, expected) in [
            ("10.1.2.3", true),
            ("11.1.2.3", false),
            ("2001:db8::1", true),
            ("::1", false),
        ] {
            assert_eq!(trust.has_peer(ip.parse().ok()), expected, "{ip}");
        }
    }
}
