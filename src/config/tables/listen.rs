//! `[[listen]]`.

mod proxy_protocol;
mod timeouts;

use std::net::SocketAddr;

use proxy_protocol::ListenProxyProtocol;
use timeouts::ListenTimeouts;

use super::account::{GROUP, USER};
use super::keep_alive::KeepAlive;
use super::tls::{self, ListenTls};
use super::{HEAD, HEAD_FIELDS};
use crate::config::address;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{FlagOrSection, Section, Switch, required, table};
use crate::config::units::{ANY_SIZE, Number, Text};
use crate::frontend::config::{Edge, Listener};
use crate::transport::tls::ListenerTls;
use crate::transport::{Address, Query};

table! {
    /// An address to accept connections on.
    pub(in crate::config) struct Listen for Listener {
        /// Address to listen on: `"127.0.0.1:8080"`, `"0.0.0.0:80"` for every IPv4 address, `"[::]:80"` for every IPv6
        /// address (and none of IPv4: a second table listens on those), `"unix:/run/bridgehead.sock"`, or `"unix:@bridgehead"` for a
        /// socket in Linux's abstract name space, which has no file. Required.
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
        tls: Switch<ListenTls> as FlagOrSection => _,
        /// What routes call it, in `when = { listen = "admin" }`. Default: nothing.
        name: String as NAME,
        timeouts: ListenTimeouts as Section => edge.timeouts,
        keep_alive: KeepAlive as Section => edge.keep_alive,
        /// Largest request head; 431 above. Default: as in `[server]`.
        head_size: usize as HEAD => edge.head_size,
        /// Most fields in a request head; 431 above. Default: as in `[server]`.
        head_fields: usize as HEAD_FIELDS => edge.head_fields,
        /// Bytes of a request body that nothing wants, read and dropped. Default: as in `[server]`.
        discard: u64 as ANY_SIZE => edge.discard,
        /// Streams of a connection of HTTP/2 at a time. Default: as in `[server]`.
        streams: u32 as STREAMS => edge.streams,
    }
    usual = usual;
    example = r#"[[listen]]
address = "0.0.0.0:80"

[[listen]]
address = "[::]:80"

[[listen]]
address = "unix:/run/bridgehead.sock"
group = "www-data"
mode = "0660"

[[listen]]
address = "10.0.0.5:8080"
proxy_protocol = { from = ["10.0.0.0/24"] }   # the load balancers
timeouts = { idle = "10m" }                   # they keep theirs for as long
"#;
}

/// What a listener is like whose address is still to be said.
fn usual() -> Listener {
    Listener::on(Address::Unix("/".into()))
}

impl Listen {
    /// A listener as it would be typed; `usual`: what `[tls]` says.
    pub(super) fn shown(listener: &Listener, usual: &ListenerTls) -> Self {
        let tls = match listener.tls.as_deref() {
            None => Switch::Off,
            Some(tls) if tls == usual => Switch::On,
            Some(tls) => Switch::Own(ListenTls::plain(tls)),
        };
        Self {
            tls: Some(At::nowhere(tls)),
            ..Self::plain(listener)
        }
    }
}

/// Every listener, each on an address of its own; `tls`: what `[tls]` says, `edge`: what `[server]` does, `has_own`: some
/// hosts get certificates by themselves.
pub(super) fn check(
    typed: &[At<Listen>],
    tls: &ListenerTls,
    edge: Edge,
    has_own: bool,
    complaints: &mut Complaints,
) -> Vec<Listener> {
    let mut names: Vec<&At<String>> = Vec::new();
    let mut seen: Vec<&At<Address>> = Vec::new();
    let mut listeners = Vec::new();
    for listen in typed {
        let example = "address = \"127.0.0.1:8080\"";
        let address = required(listen, "address", listen.address.as_ref(), example, complaints);
        let Some(address) = address else { continue };
        if let Some(first) = seen.iter().find(|other| other.overlaps(address, false)) {
            complaints
                .error(address.span(), format!("`{}` is listened on already", **address))
                .related(first.span(), "here");
        }
        seen.push(address);
        warn_about_access(listen, address, complaints);
        if let Some(name) = &listen.name {
            if let Some(first) = names.iter().find(|other| other.as_str() == name.as_str()) {
                complaints
                    .error(
                        name.span(),
                        format!("there is a listener `{}` already", name.as_str()),
                    )
                    .related(first.span(), "here");
            }
            names.push(name);
        }
        let mut listener = Listener { edge, ..usual() };
        listen.apply_to(&mut listener);
        listener.tls = listen
            .tls
            .as_ref()
            .and_then(|typed| secured(typed, tls, has_own, complaints));
        listeners.push(listener);
    }
    listeners
}

/// How TLS is spoken, if it is.
fn secured(
    typed: &At<Switch<ListenTls>>,
    usual: &ListenerTls,
    has_own: bool,
    complaints: &mut Complaints,
) -> Option<Box<ListenerTls>> {
    let tls = match &**typed {
        Switch::Off => return None,
        Switch::On => usual.clone(),
        Switch::Own(own) => tls::check_listener(own, usual, complaints),
    };
    if cfg!(not(feature = "tls")) {
        complaints
            .error(typed.span(), "this program was built without TLS")
            .help("build it with the feature `tls`, which is one of the defaults");
    } else if tls.certificates.is_empty() && !has_own && complaints.is_whole(typed.span()) {
        complaints
            .error(typed.span(), "there is no certificate for this listener")
            .help(
                "add certificates = [{ cert = \"/etc/ssl/shop.pem\", key = \"/etc/ssl/shop.key\" }] to [tls]; or a table \
                 [acme] with an `email`, and a `host` to a route: then the certificate comes by itself",
            );
    }
    Some(Box::new(tls))
}

/// Only files have an owner and a mode.
fn warn_about_access(listen: &Listen, address: &Address, complaints: &mut Complaints) {
    let accounts = [&listen.owner, &listen.group].map(|typed| typed.as_ref().map(At::span));
    let mode = listen.mode.as_ref().map(At::span);
    let help = match address {
        Address::Unix(_) => return,
        Address::Abstract(_) => {
            "a socket without a file has no owner: every process of the same network namespace may connect"
        }
        Address::Tcp(_) | Address::Name(..) => "TCP ports have no owner: a firewall decides who may connect",
    };
    for span in accounts.into_iter().chain([mode]).flatten() {
        complaints
            .warning(span, "has no effect on an address that is no file")
            .help(help);
    }
}

/// Streams of a connection: each may hold some memory, and a worker.
pub(super) const STREAMS: Number = Number(1, 1000);

/// `admin`: what routes call a listener.
const NAME: Text<String> = Text {
    words: "name",
    read: name,
    show: String::clone,
};

fn name(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if typed.is_empty() || !typed.bytes().all(is_fit) {
        complaints
            .error(typed.span(), "not a name for a listener")
            .help("names consist of letters, digits, `-`, `_` and `.`");
    }
    Some(typed.to_string())
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
    match address::read(typed, USUAL_PORT) {
        Ok(Address::Tcp(SocketAddr::V6(address))) if address.ip().to_ipv4_mapped().is_some() => {
            let plain = SocketAddr::new(address.ip().to_canonical(), address.port());
            complaints
                .error(typed.span(), "an address of IPv4 in the form of IPv6")
                .help(format!("write \"{plain}\""));
            None
        }
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
        Ok(address) => Some(address),
        Err(mistake) => {
            let help = instead(typed, mistake.help);
            complaints.error(typed.span(), mistake.message).help(help);
            None
        }
    }
}

/// What was probably meant by a text that is no address.
fn instead(text: &str, known: Option<String>) -> String {
    let every = text.strip_prefix(':').or_else(|| text.strip_prefix("*:"));
    match every.filter(|port| port.parse::<u16>().is_ok()) {
        Some(port) => {
            format!("write \"0.0.0.0:{port}\" for every IPv4 address, \"[::]:{port}\" for every IPv6 address")
        }
        None => known.unwrap_or_else(|| {
            "write \"127.0.0.1:8080\", \"[::]:80\" or \"unix:/run/bridgehead.sock\"".to_owned()
        }),
    }
}

/// Shown where a port is missing.
const USUAL_PORT: u16 = 8080;
