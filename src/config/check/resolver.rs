//! `[server] resolver`.

use std::net::{IpAddr, SocketAddr};

use super::deadline;
use crate::config::complaints::Complaints;
use crate::config::file::{At, Resolver as Typed, Section};
use crate::transport::resolve::Config;

/// How the DNS is asked.
pub(super) fn check(typed: &Section<Typed>, complaints: &mut Complaints) -> Config {
    let default = Config::default();
    let config = Config {
        nameservers: servers(typed, complaints),
        timeout: deadline::positive(typed.timeout.as_ref(), default.timeout, complaints),
        family: typed.family.map_or(default.family, |family| family.0),
        min_ttl: deadline::positive(typed.min_ttl.as_ref(), default.min_ttl, complaints),
        max_ttl: deadline::positive(typed.max_ttl.as_ref(), default.max_ttl, complaints),
        keep: deadline::any(typed.keep.as_ref(), default.keep),
    };
    if config.min_ttl > config.max_ttl {
        let span = typed.min_ttl.as_ref().or(typed.max_ttl.as_ref()).map(At::span);
        complaints.error(span.unwrap_or(typed.span()), "`min_ttl` is longer than `max_ttl`");
    }
    config
}

fn servers(typed: &Typed, complaints: &mut Complaints) -> Vec<SocketAddr> {
    let Some(list) = &typed.nameservers else {
        return Vec::new();
    };
    if list.is_empty() {
        complaints
            .error(list.span(), "there is no name server to ask")
            .help("leave the key out for those of /etc/resolv.conf");
    }
    if let Some(more) = list.get(MOST_SERVERS) {
        complaints.error(more.span(), format!("more than {MOST_SERVERS} name servers"));
    }
    list.iter()
        .filter_map(|typed| server(typed, complaints))
        .collect()
}

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

/// Where name servers listen.
const PORT: u16 = 53;

/// More than anybody asks in turn before the time is over.
const MOST_SERVERS: usize = 8;
