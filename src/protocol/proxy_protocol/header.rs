//! A header, whatever its version.

use std::net::SocketAddr;

use super::tlv::Tlvs;

/// What stands in front of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose connection it is.
    pub origin: Origin,
    /// What else is known of it: version 2 only.
    pub tlvs: Tlvs,
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The sender's own, for a health check: `LOCAL`. The addresses are those of the connection.
    Local,
    /// The sender cannot say: `UNKNOWN` in version 1, no family or one of datagrams in version 2. The addresses are those
    /// of the connection.
    Unknown,
    /// A client's on a unix socket of the sender.
    Unix,
    /// A client's over TCP.
    Tcp(Ends),
}

/// The two ends of the connection between the client and the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The client's.
    pub source: SocketAddr,
    /// The one that the client connected to.
    pub destination: SocketAddr,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

impl Header {
    /// A header that says nothing but whose connection it is.
    pub fn of(origin: Origin) -> Self {
        let tlvs = Tlvs::default();
        Self { origin, tlvs }
    }

    /// Both ends, when they have numbers.
    pub fn ends(&self) -> Option<&Ends> {
        match &self.origin {
            Origin::Tcp(ends) => Some(ends),
            Origin::Local | Origin::Unknown | Origin::Unix => None,
        }
    }

    /// Whether the client spoke TLS with the sender.
    pub fn is_secure(&self) -> bool {
        self.tlvs.ssl().is_some_and(|ssl| ssl.is_client())
    }
}
