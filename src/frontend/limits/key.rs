//! The key of a request.

use std::net::{IpAddr, Ipv6Addr};

use super::settings::Limit;
use crate::protocol::RequestHead;
use crate::tally::{KeyHash, Secret};
use crate::variables::{Part, Scope, Variable};

/// A request whose client is its network: that of an IPv6 address, and all of an IPv4 address.
struct ByNetwork<'a> {
    head: &'a RequestHead,
    ipv6_prefix: u8,
}

impl Scope for ByNetwork<'_> {
    fn write(&self, variable: &Variable, sink: &mut dyn FnMut(&[u8])) {
        let remote = &self.head.client.remote;
        match (variable, remote) {
            (Variable::RemoteAddr | Variable::BinaryRemoteAddr, Some(remote)) => {
                match remote.address.ip().to_canonical() {
                    IpAddr::V4(address) => sink(&address.octets()),
                    IpAddr::V6(address) => sink(&network(address, self.ipv6_prefix).octets()),
                }
            }
            _ => self.head.write(variable, sink),
        }
    }
}

/// The key of a request of which the client is known; `None`: it is empty.
pub(super) fn of(limit: &Limit, head: &RequestHead, secret: &Secret) -> Option<KeyHash> {
    let scope = ByNetwork {
        head,
        ipv6_prefix: limit.ipv6_prefix,
    };
    let mut hasher = secret.hasher();
    let mut is_empty = true;
    for part in limit.key.parts() {
        match part {
            Part::Text(text) => hasher.write(text.as_bytes()),
            Part::Variable(variable) => scope.write(variable, &mut |piece| {
                is_empty &= piece.is_empty();
                hasher.write(piece);
            }),
        }
    }
    (!is_empty || limit.key.is_constant() && !hasher.is_empty()).then(|| hasher.finish())
}

fn network(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let rest = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
    (address.to_bits() & !rest).into()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use http::Method;

    use super::*;
    use crate::protocol::peer::Peer;
    use crate::protocol::samples;

    fn keys(key: &str, requests: &[(&str, &[(&str, &str)])]) -> Vec<Option<KeyHash>> {
        let limit = Limit {
            key: key.parse().unwrap(),
            ..Limit::default()
        };
        let secret = Secret::default();
        let of_request = |(ip, fields): &(&str, &[(&str, &str)])| {
            let mut head = samples::request(Method::GET);
            head.fields = fields.iter().copied().collect();
            let address = |ip: IpAddr| SocketAddr::new(ip, 1);
            head.client.remote = ip.parse().ok().map(|ip| Peer::from(address(ip)));
            of(&limit, &head, &secret)
        };
        requests.iter().map(of_request).collect()
    }

    #[test]
    fn a_client_is_its_address_or_the_network_of_its_site() {
        for key in ["$remote_addr", "$binary_remote_addr"] {
            let found = keys(
                key,
                &[
                    ("192.0.2.1", &[]),
                    ("::ffff:192.0.2.1", &[]),
                    ("192.0.2.2", &[]),
                    ("2001:db8::1", &[]),
                    ("2001:db8::ffff:1", &[]),
                    ("2001:db8:0:1::1", &[]),
                ],
            );
            assert!(found[0] == found[1] && found[1] != found[2], "{key}");
            assert!(found[3] == found[4] && found[4] != found[5], "{key}");
        }
    }

    #[test]
    fn a_key_without_any_value_does_not_count() {
        let user: &[(&str, &str)] = &[("X-User", "a")];
        let found = keys(
            "$remote_addr|$http_x_user",
            &[("", &[]), ("", user), ("192.0.2.1", &[])],
        );
        assert!(found[0].is_none() && found[1].is_some() && found[2].is_some());
        assert!(keys("all", &[("", &[])])[0].is_some());
    }
}
