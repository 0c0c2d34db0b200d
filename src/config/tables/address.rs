//! Texts that are no addresses: what is wrong, and what was probably meant.

use std::net::{IpAddr, Ipv6Addr};

use crate::transport::address::AddressError;

/// What is wrong with `text`.
pub(super) fn mistake(text: &str, error: &AddressError) -> String {
    if text.starts_with(':') {
        return "there is no host before the port".to_owned();
    }
    error.to_string()
}

/// What was probably meant by `text`, with `port` where none was given; `None` when nothing comes to mind.
pub(super) fn instead(text: &str, port: u16) -> Option<String> {
    if text.starts_with('/') {
        return Some(format!("write \"unix:{text}\""));
    }
    if let Some((_, rest)) = text.split_once("://") {
        let rest = rest.trim_end_matches('/');
        let port = if rest.contains(':') { "" } else { ":80" };
        return Some(format!("it is an address, not a URL: write \"{rest}{port}\""));
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some(format!("add a port: \"[{text}]:{port}\""));
    }
    text.parse::<IpAddr>()
        .ok()
        .map(|_| format!("add a port: \"{text}:{port}\""))
}
