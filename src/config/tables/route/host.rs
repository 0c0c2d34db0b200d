//! `host` of a route.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::{Text, pattern};
use crate::frontend::config::Host;
use crate::protocol::Authority;
use crate::protocol::authority::canonical;

/// A host name, all names below one, or a pattern.
pub(super) const HOST: Text<Host> = Text {
    words: "host",
    read,
    show: Host::to_text,
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<Host> {
    if let Some(pattern) = pattern(typed, complaints) {
        return pattern.map(Host::Pattern);
    }
    let name = typed.to_ascii_lowercase();
    let below = name.strip_prefix("*.");
    let bare = plain(below.unwrap_or(&name));
    if let Some((message, help)) = mistake(bare) {
        complaints.error(typed.span(), message).help(help);
    }
    Some(match below {
        Some(_) => Host::Suffix(format!(".{bare}")),
        None => Host::Exact(canonical(bare)),
    })
}

/// Without what makes no other host: an empty port, and the dot of the root.
fn plain(name: &str) -> &str {
    let portless = name.strip_suffix(':');
    let portless = portless.filter(|rest| !rest.contains(':') || rest.ends_with(']'));
    let name = portless.unwrap_or(name);
    let rootless = name.strip_suffix('.').filter(|rest| !rest.ends_with(']'));
    rootless.unwrap_or(name)
}

fn mistake(name: &str) -> Option<(&'static str, String)> {
    let example = || "write \"shop.example\" or \"*.shop.example\"".to_owned();
    if name.contains("://") || name.contains('/') {
        return Some(("a host is a name, not a URL", example()));
    }
    if name.parse::<std::net::IpAddr>().is_ok() || name.starts_with('[') {
        return literal(name);
    }
    if let Some((host, port)) = name.split_once(':') {
        let help = format!("ports are chosen by [[listen]]; write \"{host}\" without \":{port}\"");
        return Some(("a host has no port here", help));
    }
    if !name.is_ascii() {
        return Some((
            "browsers send this name in another form",
            "write its xn--… form".to_owned(),
        ));
    }
    if name.contains('*') {
        return Some(("`*` can only stand for the first label", example()));
    }
    let host = Authority::parse(name.as_bytes()).map(|authority| authority.host());
    (host != Some(name.as_bytes())).then(|| ("not a host name", example()))
}

/// Addresses in the form of the `Host` field: IPv6 in brackets.
fn literal(name: &str) -> Option<(&'static str, String)> {
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let fine = match inner {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.parse::<std::net::Ipv4Addr>().is_ok(),
    };
    (!fine).then(|| {
        (
            "not an address as clients send it",
            "write \"192.0.2.1\" or \"[2001:db8::1]\"".to_owned(),
        )
    })
}
