//! Which proxies are believed, and which of their fields names the client.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::protocol::fields::{FieldName, is_token};
use crate::protocol::params::Underscores;

/// Peers whose fields about the client are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    /// All on unix sockets: the mode of the socket says which users may connect.
    Unix,
    /// Those in a network.
    Network(IpNet),
}

impl TrustedProxy {
    /// Whether it is this peer; one on a unix socket has no address.
    pub fn is(&self, peer: Option<IpAddr>) -> bool {
        match (self, peer) {
            (Self::Unix, None) => true,
            (Self::Network(network), Some(ip)) => network.contains(&ip),
            (Self::Unix, Some(_)) | (Self::Network(_), None) => false,
        }
    }
}

/// What is believed about clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Whose word counts.
    pub proxies: Vec<TrustedProxy>,
    /// Where they name the client.
    pub client_ip: ClientIp,
    /// What becomes of fields whose names have an underscore.
    pub underscores: Underscores,
}

/// Where a trusted proxy names the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientIp {
    /// The field that does.
    pub from: ClientField,
}

/// The name of a field that holds the address of the client, or a chain of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientField {
    name: FieldName,
    spelling: String,
}

impl ClientField {
    /// The field of that name; `None` for names that mean something else, or that no variable can be made of.
    pub fn new(spelling: &str) -> Option<Self> {
        let name = FieldName::of(spelling.as_bytes());
        let fits = match name {
            FieldName::Other => is_token(spelling.as_bytes()) && spelling.bytes().all(is_plain),
            known => matches!(known, FieldName::XForwardedFor | FieldName::XRealIp),
        };
        let spelling = spelling.to_owned();
        fits.then_some(Self { name, spelling })
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.spelling
    }

    /// Whether it is the one in which proxies hand on what came to them.
    pub fn is_chain(&self) -> bool {
        self.name == FieldName::XForwardedFor
    }

    /// Its name, where that is no well-known one.
    pub fn other(&self) -> Option<&[u8]> {
        (self.name == FieldName::Other).then_some(self.spelling.as_bytes())
    }
}

/// `X-Forwarded-For`.
impl Default for ClientField {
    fn default() -> Self {
        let name = FieldName::XForwardedFor;
        let spelling = name.as_str().to_owned();
        Self { name, spelling }
    }
}

/// See [`screen`](crate::protocol::params::screen).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

impl Trust {
    /// Whether a peer is believed; one on a unix socket has no address.
    pub fn has_peer(&self, peer: Option<IpAddr>) -> bool {
        self.proxies.iter().any(|proxy| proxy.is(peer))
    }

    /// Whether an address is that of a proxy that is believed.
    pub fn has(&self, ip: IpAddr) -> bool {
        self.has_peer(Some(ip))
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
            ..Trust::default()
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
    fn a_field_that_names_clients_means_nothing_else() {
        let other = |name| ClientField::new(name).map(|field| field.other().is_some());
        for (name, expected) in [
            ("CF-Connecting-IP", Some(true)),
            ("true-client-ip", Some(true)),
            ("x-real-ip", Some(false)),
            ("X-Forwarded-For", Some(false)),
            ("Host", None),
            ("Cookie", None),
            ("Forwarded", None),
            ("X-Forwarded-Proto", None),
            ("X_Client_IP", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(other(name), expected, "{name}");
        }
        assert!(ClientField::default().is_chain() && ClientField::new("x-forwarded-for").unwrap().is_chain());
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
