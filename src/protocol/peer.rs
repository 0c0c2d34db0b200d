//! One end of a TCP connection, as variables tell of it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

/// One end of a TCP connection. Its text is made once a connection, and in place where it is short: a request copies it,
/// and an idle connection keeps little of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address itself.
    pub address: SocketAddr,
    text: Text,
}

/// An address without brackets, and behind it the port.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    /// Every address of IPv4.
    Short {
        bytes: [u8; SHORT],
        ip: u8,
        all: u8,
    },
    Long {
        bytes: Arc<[u8]>,
        ip: u8,
    },
}

impl Peer {
    /// An IPv4 client of a dual-stack listener is an IPv4 client to the application.
    pub fn canonical(address: SocketAddr) -> SocketAddr {
        SocketAddr::new(address.ip().to_canonical(), address.port())
    }

    /// `192.0.2.1` or `2001:db8::1`, without brackets.
    #[inline]
    pub fn ip(&self) -> &[u8] {
        match &self.text {
            Text::Short { bytes, ip, .. } => &bytes[..usize::from(*ip)],
            Text::Long { bytes, ip } => &bytes[..usize::from(*ip)],
        }
    }

    /// The address as a host: of IPv6 in brackets.
    pub fn host(&self) -> Cow<'_, [u8]> {
        match self.address.is_ipv6() {
            true => [b"[", self.ip(), b"]"].concat().into(),
            false => self.ip().into(),
        }
    }

    /// [`ip`](Self::ip) as text.
    pub fn ip_text(&self) -> &str {
        std::str::from_utf8(self.ip()).unwrap_or_default()
    }

    /// The port in decimal digits.
    #[inline]
    pub fn port(&self) -> &[u8] {
        match &self.text {
            Text::Short { bytes, ip, all } => &bytes[usize::from(*ip)..usize::from(*all)],
            Text::Long { bytes, ip } => &bytes[usize::from(*ip)..],
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        let address = Self::canonical(address);
        let mut text = address.ip().to_string();
        let ip = text.len() as u8; // 39 at most
        text.push_str(&address.port().to_string());
        Self {
            address,
            text: Text::new(text.as_bytes(), ip),
        }
    }
}

impl Text {
    fn new(text: &[u8], ip: u8) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text);
                let all = text.len() as u8; // SHORT at most
                Self::Short { bytes, ip, all }
            }
            None => Self::Long {
                bytes: text.into(),
                ip,
            },
        }
    }
}

/// Bytes of the longest address of IPv4 with its port.
const SHORT: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_address_and_its_port() {
        for (address, ip, port) in [
            ("192.0.2.1:80", "192.0.2.1", "80"),
            ("255.255.255.255:65535", "255.255.255.255", "65535"),
            ("[::1]:443", "::1", "443"),
            ("[2001:db8::1]:0", "2001:db8::1", "0"),
            (
                "[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
                "1111:2222:3333:4444:5555:6666:7777:8888",
                "65535",
            ),
        ] {
            let peer = Peer::from(address.parse::<SocketAddr>().unwrap());
            assert_eq!((peer.ip_text(), peer.port()), (ip, port.as_bytes()), "{address}");
        }
    }

    #[test]
    fn a_host_of_ipv6_is_in_brackets() {
        for (address, host) in [
            ("192.0.2.1:80", "192.0.2.1"),
            ("[2001:db8::1]:80", "[2001:db8::1]"),
        ] {
            let peer = Peer::from(address.parse::<SocketAddr>().unwrap());
            assert_eq!(*peer.host(), *host.as_bytes(), "{address}");
        }
    }

    #[test]
    fn a_mapped_ipv4_peer_is_an_ipv4_peer() {
        let peer = Peer::from("[::ffff:192.0.2.1]:80".parse::<SocketAddr>().unwrap());
        assert_eq!((peer.ip_text(), peer.address.port()), ("192.0.2.1", 80));
    }

    #[test]
    fn an_idle_connection_keeps_little_of_its_peer() {
        assert!(size_of::<Option<Peer>>() <= 56, "{}", size_of::<Option<Peer>>());
    }
}
