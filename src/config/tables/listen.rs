//! `[[listen]]`.

mod proxy_protocol;

use std::net::SocketAddr;

use proxy_protocol::ListenProxyProtocol;

use super::account::{GROUP, USER};
use super::address;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{Section, required, table};
use crate::config::units::{Number, Text};
use crate::frontend::config::Listener;
use crate::transport::{Address, Query};

table! {
    /// An address to accept connections on.
    pub(in crate::config) struct Listen for Listener {
        /// Address to listen on: `"127.0.0.1:8080"`, `"[::]:80"` or `"unix:/run/bridgehead.sock"`. Required.
        address: Address as ADDRESS,
        /// Pending connections that the kernel holds.
        backlog: u32 as Number(1, 65_535),
        /// User that owns the file of a unix socket, by name or number. Default: the one it was started as.
        owner: String as USER => access.owner,
        /// Group of the file of a unix socket, by name or number. Default: the one it was started as.
        group: String as GROUP => access.group,
        /// Permissions of the file of a unix socket: a client that may write may connect. Default: what the umask says.
        mode: u32 as MODE => access.mode,
        proxy_protocol: ListenProxyProtocol as Section => proxy_protocol,
    }
    usual = usual;
    example = r#"[[listen]]
address = "[::]:80"

[[listen]]
address = "unix:/run/bridgehead.sock"
group = "www-data"
mode = "0660"

[[listen]]
address = "10.0.0.5:8080"
proxy_protocol = { from = ["10.0.0.0/24"] }   # the load balancers
"#;
}

/// What a listener is like whose address is still to be said.
fn usual() -> Listener {
    Listener::on(Address::Unix("/".into()))
}

/// Every listener, each on an address of its own.
pub(super) fn check(typed: &[At<Listen>], complaints: &mut Complaints) -> Vec<Listener> {
    let mut seen: Vec<&At<Address>> = Vec::new();
    let mut listeners = Vec::new();
    for listen in typed {
        let example = "address = \"127.0.0.1:8080\"";
        let address = required(listen, "address", listen.address.as_ref(), example, complaints);
        let Some(address) = address else { continue };
        if let Some(first) = seen.iter().find(|other| overlap(other, address)) {
            complaints
                .error(address.span(), format!("`{}` is listened on already", **address))
                .related(first.span(), "here");
        }
        seen.push(address);
        warn_about_access(listen, address, complaints);
        let mut listener = usual();
        listen.apply_to(&mut listener);
        listeners.push(listener);
    }
    listeners
}

/// TCP ports have neither owner nor mode.
fn warn_about_access(listen: &Listen, address: &Address, complaints: &mut Complaints) {
    let accounts = [&listen.owner, &listen.group].map(|typed| typed.as_ref().map(At::span));
    let mode = listen.mode.as_ref().map(At::span);
    if matches!(address, Address::Unix(_)) {
        return;
    }
    for span in accounts.into_iter().chain([mode]).flatten() {
        complaints
            .warning(span, "has no effect on an address that is no unix socket")
            .help("TCP ports have no owner: a firewall decides who may connect");
    }
}

/// Octal, as for chmod(1).
const MODE: Text<u32> = Text {
    words: "permissions, such as `\"0660\"`",
    read: mode,
    show: |mode| format!("{mode:04o}"),
};

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

const ADDRESS: Text<Address> = Text {
    words: "address",
    read: parse,
    show: Address::to_string,
};

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
                    "write \"127.0.0.1:{port}\" for this machine, \"0.0.0.0:{port}\" for all"
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
