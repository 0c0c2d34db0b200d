//! `[server] resolver`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{DEADLINE, List, Name, Named, Text, Time};
use crate::transport::resolve::{Family, ResolverConfig};

table! {
    /// How the DNS is asked about endpoints that begin with `dns:` or `dns+srv:`.
    pub(in crate::config) struct Resolver for ResolverConfig {
        /// Addresses of name servers; the port may be left out. Default: those of `/etc/resolv.conf`.
        nameservers: Vec<SocketAddr> as List(NAME_SERVER),
        /// Longest wait for an answer, repeated questions included.
        timeout: Duration as DEADLINE,
        /// Which addresses of a host are used. One process often has both kinds, and slots are counted per address.
        family: Family as Name,
        /// An answer is used for this long at least, whatever its TTL says.
        min_ttl: Duration as DEADLINE,
        /// An answer is used for this long at most; then the name is asked for again.
        max_ttl: Duration as DEADLINE,
        /// How long endpoints stay when the DNS says that there are none any more.
        keep: Duration as Time,
    }
    shown = Resolver::shown;
}

impl Resolver {
    /// An empty list would ask nothing.
    fn shown(config: &ResolverConfig) -> Self {
        let plain = Self::plain(config);
        Self {
            nameservers: plain.nameservers.filter(|servers| !servers.is_empty()),
            ..plain
        }
    }
}

/// Rules that span several keys; `config` is what they come to.
pub(super) fn check(typed: &At<Resolver>, config: &ResolverConfig, complaints: &mut Complaints) {
    if let Some(list) = &typed.nameservers {
        if list.is_empty() && complaints.is_whole(list.span()) {
            complaints
                .error(list.span(), "there is no name server to ask")
                .help("leave the key out for those of /etc/resolv.conf");
        }
        if list.len() > MOST_SERVERS {
            complaints.error(list.span(), format!("more than {MOST_SERVERS} name servers"));
        }
    }
    if config.min_ttl > config.max_ttl {
        let span = typed.min_ttl.as_ref().or(typed.max_ttl.as_ref()).map(At::span);
        complaints.error(span.unwrap_or(typed.span()), "`min_ttl` is longer than `max_ttl`");
    }
}

const NAME_SERVER: Text<SocketAddr> = Text {
    words: "address of a name server",
    read: server,
    show: SocketAddr::to_string,
};

fn server(typed: &At<String>, complaints: &mut Complaints) -> Option<SocketAddr> {
    let bare = || typed.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, PORT));
    let server = typed
        .parse()
        .ok()
        .or_else(bare)
        .filter(|server| server.port() != 0);
    if server.is_none() {
        complaints
            .error(typed.span(), "not the address of a name server")
            .help("write \"10.0.0.2\", \"127.0.0.1:5353\" or \"[fd00::2]:53\"");
    }
    server
}

impl Named for Family {
    const KIND: &'static str = "family of addresses";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("prefer_ipv4", Self::PreferIpv4),
        ("prefer_ipv6", Self::PreferIpv6),
        ("ipv4", Self::Ipv4),
        ("ipv6", Self::Ipv6),
        ("both", Self::Both),
    ];
}

/// Where name servers listen.
const PORT: u16 = 53;

/// More than can be asked in turn before the time is over.
const MOST_SERVERS: usize = 8;
