//! `[[listen]]`.

use std::net::SocketAddr;

use super::address;
use crate::config::complaints::Complaints;
use crate::config::file::{At, Listen, Section};
use crate::frontend;
use crate::frontend::config::Listener;
use crate::transport::{Address, Query};

/// Every listener, each on an address of its own.
pub(super) fn check(typed: &[Section<Listen>], complaints: &mut Complaints) -> Vec<Listener> {
    let mut seen: Vec<(&At<String>, Address)> = Vec::new();
    let mut listeners = Vec::new();
    for listen in typed {
        let Some(typed) = address_key(listen, complaints) else {
            continue;
        };
        let Some(address) = parse(typed, complaints) else {
            continue;
        };
        if let Some((first, _)) = seen.iter().find(|(_, other)| overlap(other, &address)) {
            complaints
                .error(typed.span(), format!("`{address}` is listened on already"))
                .related(first.span(), "here");
        }
        seen.push((typed, address.clone()));
        let backlog = listen
            .backlog
            .map_or(frontend::Config::BACKLOG, |backlog| backlog.0);
        listeners.push(Listener { address, backlog });
    }
    listeners
}

fn address_key<'a>(listen: &'a Section<Listen>, complaints: &mut Complaints) -> Option<&'a At<String>> {
    if listen.address.is_none() && complaints.is_whole(listen.span()) {
        complaints
            .error(listen.span(), "`address` is missing")
            .help("add address = \"127.0.0.1:8080\"");
    }
    listen.address.as_ref()
}

fn parse(typed: &At<String>, complaints: &mut Complaints) -> Option<Address> {
    if Query::is_meant(typed) {
        complaints.error(typed.span(), "only addresses can be listened on, not names");
        return None;
    }
    match typed.parse() {
        Ok(address @ (Address::Tcp(_) | Address::Unix(_))) => Some(address),
        Ok(Address::Name(host, port)) => {
            complaints
                .error(
                    typed.span(),
                    format!("`{host}` is a name; only addresses can be listened on"),
                )
                .help(format!(
                    "write \"127.0.0.1:{port}\" for this machine, \"0.0.0.0:{port}\" for everybody"
                ));
            None
        }
        Err(error) => {
            complaints
                .error(typed.span(), address::mistake(typed, &error))
                .help(instead(typed));
            None
        }
    }
}

/// What was probably meant by a text that is no address.
fn instead(text: &str) -> String {
    if let Some(port) = text.strip_prefix(':').or_else(|| text.strip_prefix("*:")) {
        return format!(
            "write \"0.0.0.0:{port}\" for every IPv4 address, \"[::]:{port}\" for every IPv6 address"
        );
    }
    address::instead(text, 8080).unwrap_or_else(|| {
        "write \"127.0.0.1:8080\", \"[::]:80\" or \"unix:/run/bridgehead.sock\"".to_owned()
    })
}

/// Whether the kernel would refuse the second of two listeners.
fn overlap(a: &Address, b: &Address) -> bool {
    match (a, b) {
        (Address::Tcp(a), Address::Tcp(b)) => overlap_tcp(a, b),
        (a, b) => a == b,
    }
}

fn overlap_tcp(a: &SocketAddr, b: &SocketAddr) -> bool {
    let family = a.is_ipv4() == b.is_ipv4();
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && (a.ip() == b.ip() || family && any)
}
