//! What the responder needs to know.

use std::net::SocketAddr;

use super::name::DomainName;

/// Where it listens and what it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsConfig {
    /// Where it listens, by UDP and TCP. On a machine with several addresses each has to be named: what comes to one is
    /// answered from it.
    pub addresses: Vec<SocketAddr>,
    /// The zone in which `NAME.ZONE` stands for the challenges of `NAME`.
    pub zone: Option<DomainName>,
    /// The name of this server, as the `NS` records that lead here have it; `None`: the name that is being proven.
    pub nameserver: Option<DomainName>,
}

impl DnsConfig {
    /// Seconds that resolvers may keep a record, or that there is none: a challenge has a new one each time.
    pub const TTL: u32 = 5;
}
