//! How workers are shared between clients.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::str::FromStr;

use crate::protocol::RequestHead;
use crate::variables::{Part, Scope, Template, TemplateError, Variable};

/// A queue in which clients take turns, and what one of them may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fair {
    /// What tells clients apart.
    pub key: ClientKey,
    /// The most slots of one of them.
    pub share: Share,
}

/// A part of the slots, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub u32);

/// A text with variables that tells clients apart. Of an IPv6 address it takes the network, since a client has as many
/// addresses as it likes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey(Template);

/// Why a text tells no clients apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientKeyError {
    /// It is no template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Every request would have the same key.
    #[error("a key without a variable makes one client of all")]
    Constant,
}

impl Share {
    /// So many of the slots, at least one.
    pub fn of(self, slots: usize) -> usize {
        match self.0 {
            100.. => usize::MAX,
            percent => slots.saturating_mul(percent as usize).div_ceil(100).max(1),
        }
    }
}

impl Default for Fair {
    /// Half of the slots, by addresses.
    fn default() -> Self {
        Self {
            key: ClientKey(Template::of(Variable::RemoteAddr, "$remote_addr")),
            share: Share(50),
        }
    }
}

impl ClientKey {
    /// The key of a request under a secret; by the address where the text has no value.
    pub fn hash(&self, head: &RequestHead, secret: &RandomState) -> u64 {
        let (mut hasher, mut length) = (secret.build_hasher(), 0);
        let mut sink = |bytes: &[u8]| {
            length += bytes.len();
            hasher.write(bytes);
        };
        for part in self.0.parts() {
            match part {
                Part::Text(text) => sink(text.as_bytes()),
                Part::Variable(Variable::RemoteAddr | Variable::BinaryRemoteAddr) => network(head, &mut sink),
                Part::Variable(variable) => head.write(variable, &mut sink),
            }
        }
        if length == 0 {
            network(head, &mut |bytes| hasher.write(bytes));
        }
        hasher.finish()
    }
}

/// Gives the network of the client to `sink`: its IPv4 address, or the first half of the other kind.
fn network(head: &RequestHead, sink: &mut dyn FnMut(&[u8])) {
    let address = head
        .client
        .remote
        .as_ref()
        .map(|remote| remote.address.ip().to_canonical());
    match address {
        Some(IpAddr::V4(address)) => sink(&address.octets()),
        Some(IpAddr::V6(address)) => sink(&address.octets()[..NETWORK]),
        None => {}
    }
}

/// Bytes of an IPv6 address that name its network: RFC 4291, section 2.5.4.
const NETWORK: usize = 8;

impl FromStr for ClientKey {
    type Err = ClientKeyError;

    fn from_str(text: &str) -> Result<Self, ClientKeyError> {
        let template: Template = match text.contains('$') {
            true => text.parse()?,
            false => Template::of(text.parse()?, text),
        };
        match template.is_constant() {
            true => Err(ClientKeyError::Constant),
            false => Ok(Self(template)),
        }
    }
}

/// As it was written.
impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use http::Method;

    use super::*;
    use crate::protocol::samples;

    fn hash(key: &str, address: &str, cookie: Option<&'static str>, secret: &RandomState) -> u64 {
        let mut head = samples::request(Method::GET);
        let address: SocketAddr = format!("{address}:1").parse().unwrap();
        head.client.remote = Some(address.into());
        if let Some(cookie) = cookie {
            head.fields.append_named(b"cookie", cookie);
        }
        key.parse::<ClientKey>().unwrap().hash(&head, secret)
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let secret = RandomState::new();
        let hash = |address| hash("$remote_addr", address, None, &secret);
        assert_eq!(hash("[2001:db8::1]"), hash("[2001:db8::ffff:0:1]"));
        assert_ne!(hash("[2001:db8::1]"), hash("[2001:db8:0:1::1]"));
        assert_ne!(hash("192.0.2.1"), hash("192.0.2.2"));
        assert_eq!(hash("192.0.2.1"), hash("[::ffff:192.0.2.1]"));
    }

    #[test]
    fn requests_without_a_value_are_told_apart_by_their_addresses() {
        let secret = RandomState::new();
        let hash = |address, cookie| hash("$cookie_user", address, cookie, &secret);
        assert_eq!(
            hash("192.0.2.1", Some("user=a")),
            hash("192.0.2.2", Some("user=a"))
        );
        assert_ne!(hash("192.0.2.1", None), hash("192.0.2.2", None));
    }

    #[test]
    fn a_share_is_a_part_of_the_slots_and_at_least_one() {
        let of = |percent, slots| Share(percent).of(slots);
        assert_eq!((of(50, 10), of(50, 3), of(50, 1), of(1, 10)), (5, 2, 1, 1));
        assert_eq!((of(100, 1), of(50, usize::MAX) > 1 << 50), (usize::MAX, true));
        assert_eq!(of(50, 0), 1);
    }

    #[test]
    fn a_key_without_a_variable_is_refused() {
        assert_eq!(
            "".parse::<ClientKey>().unwrap_err().to_string(),
            "unknown variable ``"
        );
    }
}
