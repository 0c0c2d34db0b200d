//! `[[listen]]`.

use std::net::SocketAddr;

use super::{account, address};
use crate::config::complaints::Complaints;
use crate::config::file::{At, Listen, Section};
use crate::frontend;
use crate::frontend::config::Listener;
use crate::transport::{Access, Address, Query};

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
        let access = access(listen, &address, complaints);
        listeners.push(Listener {
            address,
            backlog,
            access,
        });
    }
    listeners
}

/// Who may connect to a unix socket. TCP asks nobody.
fn access(listen: &Listen, address: &Address, complaints: &mut Complaints) -> Access {
    let keys = [&listen.owner, &listen.group, &listen.mode];
    if !matches!(address, Address::Unix(_)) {
        for typed in keys.into_iter().flatten() {
            complaints
                .warning(typed.span(), "has no effect on an address that is no unix socket")
                .help("TCP ports have no owner: a firewall decides who may connect");
        }
    }
    Access {
        owner: account::check(listen.owner.as_ref(), "user", complaints),
        group: account::check(listen.group.as_ref(), "group", complaints),
        mode: listen.mode.as_ref().and_then(|typed| mode(typed, complaints)),
    }
}

/// `"0660"`, `"660"`: octal, as for chmod(1).
fn mode(typed: &At<String>, complaints: &mut Complaints) -> Option<u32> {
    let octal = (3..=4).contains(&typed.len()) && typed.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mode = u32::from_str_radix(typed, 8)
        .ok()
        .filter(|mode| octal && *mode <= 0o777);
    if mode.is_none() {
        complaints
            .error(typed.span(), "not the permissions of a socket")
            .help("write three octal digits, such as \"0660\" for the owner and the group");
    }
    mode
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
