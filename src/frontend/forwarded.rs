//! The client, and what the application is told about it.
//!
//! Inbound forwarding fields are believed only from `trusted_proxies`; applications believe them without
//! asking (uWSGI takes its URL scheme from `X-Forwarded-Proto`, reference section 2.4).

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use super::trust::Trust;
use crate::protocol::Authority;
use crate::protocol::fields::{Field, FieldName, FieldNames, Fields, members};
use crate::protocol::peer::Peer;
use crate::protocol::proxy_protocol::{Header, Origin};
use crate::protocol::request::{Client, ForwardedFor};
use crate::protocol::tls::ClientTls;

/// A client connection, with what does not change between its requests.
#[derive(Clone, Debug)]
pub struct Connected {
    remote: Option<Peer>,
    local: Option<Arc<Peer>>,
    announced: Option<Arc<Header>>,
    tls: Option<Arc<ClientTls>>,
}

thread_local! {
    /// Our end of the last connection: mostly the next one has the same.
    static LOCAL: RefCell<Option<Arc<Peer>>> = const { RefCell::new(None) };
}

impl Connected {
    /// A connection from `remote` to `local`; `None` stands for a unix socket.
    pub fn new(remote: Option<SocketAddr>, local: Option<SocketAddr>) -> Self {
        Self {
            remote: remote.map(Peer::from),
            local: local.map(shared),
            announced: None,
            tls: None,
        }
    }

    /// The same connection, of which its peer says whose it is. The peer counts no longer: what this client says of others
    /// is believed if the client is trusted.
    pub fn announced(self, header: Header) -> Self {
        let (remote, local) = match header.origin {
            Origin::Tcp(ends) => (Some(ends.source.into()), Some(shared(ends.destination))),
            Origin::Unix => (None, None),
            Origin::Local | Origin::Unknown => (self.remote, self.local),
        };
        Self {
            remote,
            local,
            announced: Some(Arc::new(header)),
            ..self
        }
    }

    /// What its peer says of it.
    pub fn header(&self) -> Option<&Header> {
        self.announced.as_deref()
    }

    /// Whether it came by a unix socket of another machine, perhaps: no mode of ours
    /// says what may connect there.
    fn is_of_foreign_socket(&self) -> bool {
        let origin = self.announced.as_ref().map(|header| header.origin);
        origin == Some(Origin::Unix)
    }

    /// The same after a handshake.
    pub fn over(self, tls: ClientTls) -> Self {
        Self {
            tls: Some(Arc::new(tls)),
            ..self
        }
    }

    /// What is known of TLS, if the connection has it.
    pub fn tls(&self) -> Option<&ClientTls> {
        self.tls.as_deref()
    }

    /// Whether the gateway itself has asked the client for a certificate.
    fn asks(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.asked)
    }

    /// `https` or `http`, as the connection itself shows it.
    pub fn scheme(&self) -> &'static str {
        if self.is_secure() { "https" } else { "http" }
    }

    /// Whether the client uses TLS, with the gateway or with what announces it.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some() || self.announced.as_ref().is_some_and(|header| header.is_secure())
    }

    /// The address of the peer itself, trusted or not.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.remote.as_ref().map(|remote| remote.address)
    }

    /// The same with its text.
    pub fn remote(&self) -> Option<&Peer> {
        self.remote.as_ref()
    }

    /// The port of ours that the peer is connected to.
    pub fn local_port(&self) -> Option<u16> {
        self.local.as_ref().map(|local| local.address.port())
    }

    /// The client that sent a request with these fields, which are left as they are.
    pub(super) fn seen(&self, fields: &Fields, trust: &Trust) -> Client {
        self.believed(fields, trust).unwrap_or_else(|| self.own())
    }

    /// The client as the connection itself shows it.
    fn own(&self) -> Client {
        Client {
            remote: self.remote.clone(),
            local: self.local.clone(),
            forwarded_for: ForwardedFor::Client,
            forwarded_host: None,
            secure: self.is_secure(),
            forwarded_port: None,
            announced: self.announced.clone(),
            tls: self.tls.clone(),
        }
    }

    /// The client that sent this request. Takes the forwarding fields out of `fields` that are the gateway's own: what is
    /// believed of them is in the client; those of a stranger all go. Whether the peer is trusted is asked each time: a
    /// reload may have changed it.
    pub fn client(&self, fields: &mut Fields, trust: &Trust) -> Client {
        if let Some(client) = self.believed(fields, trust) {
            fields.remove_all(OURS);
            // What the gateway says itself, no proxy says.
            if self.asks() && fields.others().any(|field| is_identity(&field)) {
                fields.retain(|field| !is_identity(&field));
            }
            return client;
        }
        let named = trust.client_ip.from.other();
        let is_forged = |field: &Field<'_>| {
            is_forwarding(field) || is_identity(field) || named.is_some_and(|name| is_named(field, name))
        };
        let known = !fields.present().and(FORWARDING).is_empty();
        if known || fields.others().any(|field| is_forged(&field)) {
            fields.retain(|field| !is_forged(&field));
        }
        self.own()
    }

    /// The client as a trusted proxy names it; `None`: the peer is none.
    pub(super) fn believed(&self, fields: &Fields, trust: &Trust) -> Option<Client> {
        let peer = self.peer().map(|peer| peer.ip());
        let is_trusted = trust.has_peer(peer) && !self.is_of_foreign_socket();
        is_trusted.then(|| self.behind_proxy(fields, trust))
    }

    fn behind_proxy(&self, fields: &Fields, trust: &Trust) -> Client {
        let from = &trust.client_ip.from;
        let hops = hops(fields.all(FieldName::XForwardedFor), trust);
        let named = match from.is_chain() {
            true => client(&hops, trust),
            false => client(
                &self::hops(fields.all_named(from.as_str().as_bytes()), trust),
                trust,
            ),
        };
        let remote = match named {
            // The port of a forwarded client is not known.
            Some(ip) => Some(SocketAddr::new(ip, 0).into()),
            None => self.remote.clone(),
        };
        let proxy = self.peer().map(|peer| peer.ip());
        let before = if hops.is_empty() { named.as_slice() } else { &hops };
        let chain: Vec<String> = before
            .iter()
            .chain(proxy.as_ref())
            .map(IpAddr::to_string)
            .collect();
        let forwarded_for = match chain.is_empty() {
            true => ForwardedFor::Nothing,
            false => ForwardedFor::Chain(Box::new(chain.join(", ").into())),
        };
        let host = first(fields.all(FieldName::XForwardedHost));
        let host = host.and_then(|host| Some((host, Authority::parse(host)?)));
        let scheme = first(fields.all(FieldName::XForwardedProto)).and_then(Scheme::of);
        let port = first(fields.all_named(PORT)).and_then(port);
        let of_host = || host.and_then(|(_, authority)| authority.port().filter(|port| *port != 0));
        Client {
            remote,
            local: self.local.clone(),
            forwarded_for,
            forwarded_host: host.map(|(host, _)| Box::new(Bytes::copy_from_slice(host))),
            secure: scheme.map_or_else(|| self.is_secure(), |scheme| scheme.secure),
            announced: self.announced.clone(),
            forwarded_port: port.or_else(of_host).or(scheme.map(|scheme| scheme.port)),
            tls: self.tls.clone(),
        }
    }
}

/// What a proxy says of the client's connection to it.
#[derive(Clone, Copy)]
struct Scheme {
    secure: bool,
    /// Its usual port.
    port: u16,
}

impl Scheme {
    /// Those of tunnels, too, which some proxies tell of.
    fn of(name: &[u8]) -> Option<Self> {
        let is = |names: [&str; 2]| {
            names
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        };
        match (is(["https", "wss"]), is(["http", "ws"])) {
            (true, _) => Some(Self {
                secure: true,
                port: 443,
            }),
            (_, true) => Some(Self {
                secure: false,
                port: 80,
            }),
            _ => None,
        }
    }
}

/// The first element that says something: each proxy appends its own, so that is what the client's says.
fn first<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    values.flat_map(members).next()
}

fn port(digits: &[u8]) -> Option<u16> {
    let plain = digits.iter().all(u8::is_ascii_digit);
    let port = std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok();
    port.filter(|port| *port != 0)
}

/// An address of ours, with its text.
fn shared(address: SocketAddr) -> Arc<Peer> {
    let address = Peer::canonical(address);
    LOCAL.with_borrow_mut(|last| match last {
        Some(peer) if peer.address == address => peer.clone(),
        _ => last.insert(Arc::new(Peer::from(address))).clone(),
    })
}

/// Whether a field tells of a client behind a proxy. Applications believe all of them.
fn is_forwarding(field: &Field<'_>) -> bool {
    match field.name {
        FieldName::Other => {
            let start = field.spelling.get(..PREFIX.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
        }
        known => FORWARDING.contains(known),
    }
}

/// Whether a field tells of the certificate of a client.
fn is_identity(field: &Field<'_>) -> bool {
    let start = field.spelling.get(..IDENTITY.len());
    field.name == FieldName::Other && start.is_some_and(|start| start.eq_ignore_ascii_case(IDENTITY))
}

/// The client among the addresses of a chain: the last that is no trusted proxy's.
fn client(hops: &[IpAddr], trust: &Trust) -> Option<IpAddr> {
    let outside = hops.iter().rev().find(|ip| !trust.has(**ip));
    outside.or(hops.first()).copied()
}

fn is_named(field: &Field<'_>, name: &[u8]) -> bool {
    field.spelling.eq_ignore_ascii_case(name)
}

/// The addresses that the proxies before us name, oldest first. Empty entries say nothing. The list ends, seen from us,
/// at the first entry that is no address: what is before it cannot be told from a forgery.
fn hops<'a>(values: impl Iterator<Item = &'a [u8]>, trust: &Trust) -> Vec<IpAddr> {
    // What nginx calls a peer on a unix socket.
    let is_unix = |entry: &[u8]| trust.has_unix() && entry == b"unix:";
    let entries: Vec<&[u8]> = values.flat_map(members).filter(|entry| !is_unix(entry)).collect();
    let known = entries.iter().rev().map_while(|entry| address(entry));
    let mut hops: Vec<IpAddr> = known.take(MAX_HOPS).collect();
    hops.reverse();
    hops
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?;
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let ip = entry
        .parse()
        .ok()
        .or_else(bare)
        .or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&ip))
}

/// The forwarding fields that have a name of their own.
const FORWARDING: FieldNames = FieldNames::of(&[
    FieldName::Forwarded,
    FieldName::FrontEndHttps,
    FieldName::XForwardedFor,
    FieldName::XForwardedHost,
    FieldName::XForwardedProto,
    FieldName::XRealIp,
]);

/// Those that the gateway writes itself.
const OURS: FieldNames = FieldNames::of(&[
    FieldName::XForwardedFor,
    FieldName::XForwardedHost,
    FieldName::XForwardedProto,
    FieldName::XRealIp,
]);

/// What all others start with.
const PREFIX: &[u8] = b"X-Forwarded-";

/// What the fields start with that tell of the certificate of a client.
const IDENTITY: &[u8] = b"X-SSL-Client-";
/// The port that the client has connected to.
const PORT: &[u8] = b"X-Forwarded-Port";

/// Entries of `X-Forwarded-For` that are looked at: more proxies than any chain has.
const MAX_HOPS: usize = 32;

#[cfg(test)]
mod tests {
    use super::super::trust::{ClientField, ClientIp, TrustedProxy};
    use super::*;

    /// What is believed of a peer: `unix` is one without an address.
    fn ask(peer: &str, trusted: &[&str], fields: &[(&str, &str)]) -> (Client, Fields) {
        ask_from(ClientField::default(), peer, trusted, fields)
    }

    fn ask_from(
        from: ClientField,
        peer: &str,
        trusted: &[&str],
        fields: &[(&str, &str)],
    ) -> (Client, Fields) {
        let proxies = trusted.iter().map(|proxy| match *proxy {
            "unix" => TrustedProxy::Unix,
            network => TrustedProxy::Network(network.parse().unwrap()),
        });
        let trust = Trust {
            proxies: proxies.collect(),
            client_ip: ClientIp { from },
            ..Trust::default()
        };
        let mut left: Fields = fields.iter().copied().collect();
        let local = "198.51.100.1:80".parse().ok().filter(|_| peer != "unix");
        let client = Connected::new(peer.parse().ok(), local).client(&mut left, &trust);
        (client, left)
    }

    fn ip(client: &Client) -> &str {
        client.remote.as_ref().map_or("", Peer::ip_text)
    }

    fn chain_of(client: &Client) -> &str {
        match &client.forwarded_for {
            ForwardedFor::Nothing => "",
            ForwardedFor::Client => ip(client),
            ForwardedFor::Chain(chain) => std::str::from_utf8(chain).unwrap(),
        }
    }

    #[test]
    fn a_strangers_fields_are_not_believed() {
        let forged = [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("x-forwarded-ssl", "on"),
            ("x-forwarded-host", "evil"),
            ("accept", "*/*"),
        ];
        let (client, left) = ask("192.0.2.9:1000", &["10.0.0.0/8"], &forged);
        assert_eq!(
            (ip(&client), chain_of(&client), client.secure),
            ("192.0.2.9", "192.0.2.9", false)
        );
        assert_eq!(client.forwarded_host, None);
        assert_eq!(left, Fields::from_iter([("accept", "*/*")]));
    }

    #[test]
    fn a_trusted_proxy_names_the_client() {
        let fields = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.9, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
        ];
        let (client, left) = ask("10.0.0.1:1000", &["10.0.0.0/8"], &fields);
        assert_eq!((ip(&client), client.secure), ("192.0.2.9", true));
        assert_eq!(chain_of(&client), "6.6.6.6, 192.0.2.9, 10.0.0.2, 10.0.0.1");
        assert_eq!(**client.forwarded_host.as_ref().unwrap(), "shop.example");
        assert!(left.is_empty());
    }

    #[test]
    fn only_a_trusted_proxy_tells_of_certificates_and_not_where_the_gateway_asks_for_them() {
        let told = [
            ("x-ssl-client-verify", "SUCCESS"),
            ("X-SSL-Client-S-DN", "CN=root"),
        ];
        let left = |peer: &str, asked: bool| {
            let mut fields: Fields = told.iter().copied().collect();
            let connected = Connected::new(peer.parse().ok(), None).over(ClientTls {
                asked,
                ..ClientTls::default()
            });
            let trust = Trust {
                proxies: vec![TrustedProxy::Network("10.0.0.0/8".parse().unwrap())],
                ..Trust::default()
            };
            let client = connected.client(&mut fields, &trust);
            assert!(client.secure && client.tls.is_some());
            fields.len()
        };
        assert_eq!(left("192.0.2.9:1", false), 0);
        assert_eq!(left("10.0.0.1:1", false), 2);
        assert_eq!(left("10.0.0.1:1", true), 0);
    }

    #[test]
    fn empty_entries_of_a_chain_are_skipped() {
        for chain in [
            "192.0.2.9,, 10.0.0.5",
            ", 192.0.2.9 ,\t, 10.0.0.5,",
            "192.0.2.9,10.0.0.5",
        ] {
            let fields = [("x-forwarded-for", ""), ("x-forwarded-for", chain)];
            let (client, _) = ask("10.0.0.1:1000", &["10.0.0.0/8"], &fields);
            assert_eq!(ip(&client), "192.0.2.9", "{chain}");
            assert_eq!(chain_of(&client), "192.0.2.9, 10.0.0.5, 10.0.0.1");
        }
    }

    #[test]
    fn of_several_schemes_and_hosts_the_first_counts() {
        for (proto, secure) in [
            ("https, https", true),
            ("https, http", true),
            ("http, https", false),
            (", HTTPS", true),
            ("wss", true),
            ("ws", false),
            ("ftp", false),
            ("", false),
        ] {
            let (client, _) = ask("10.0.0.1:1", &["10.0.0.0/8"], &[("x-forwarded-proto", proto)]);
            assert_eq!(client.secure, secure, "{proto}");
        }
        for (host, first) in [
            ("a.example, b.example:81", Some("a.example")),
            (", a.example:81", Some("a.example:81")),
            ("[::1]evil.example", None),
            ("a b, c.example", None),
            ("", None),
        ] {
            let (client, _) = ask("10.0.0.1:1", &["10.0.0.0/8"], &[("x-forwarded-host", host)]);
            let found = client
                .forwarded_host
                .map(|host| String::from_utf8(host.to_vec()).unwrap());
            assert_eq!(found.as_deref(), first, "{host}");
        }
    }

    #[test]
    fn the_port_is_the_clients() {
        let port = |fields: &[(&str, &str)]| ask("10.0.0.1:1", &["10.0.0.0/8"], fields).0.forwarded_port;
        let (https, host) = (("x-forwarded-proto", "https"), ("x-forwarded-host", "a:8443"));
        assert_eq!(port(&[]), None);
        assert_eq!(port(&[("x-forwarded-for", "192.0.2.9")]), None);
        assert_eq!(port(&[https]), Some(443));
        assert_eq!(port(&[("x-forwarded-proto", "http, https")]), Some(80));
        assert_eq!(port(&[https, host]), Some(8443));
        assert_eq!(port(&[https, host, ("x-forwarded-port", "444, 80")]), Some(444));
        assert_eq!(port(&[("x-forwarded-port", "81")]), Some(81));
        for none in ["0", "65536", "x", "-1", "+81", ""] {
            assert_eq!(port(&[("x-forwarded-port", none)]), None, "{none}");
            assert_eq!(port(&[https, ("x-forwarded-port", none)]), Some(443), "{none}");
        }
        assert_eq!(port(&[https, ("x-forwarded-host", "a:0")]), Some(443));
    }

    #[test]
    fn what_else_a_trusted_proxy_says_goes_on() {
        let passed = [
            ("forwarded", "for=192.0.2.9;proto=https"),
            ("x-forwarded-port", "443"),
            ("x-forwarded-prefix", "/shop"),
            ("X-Forwarded-User", "joe"),
            ("front-end-https", "on"),
        ];
        let replaced = [
            ("x-forwarded-for", "192.0.2.9"),
            ("x-forwarded-host", "a.example"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "192.0.2.8"),
        ];
        let fields = [&passed[..], &replaced].concat();
        let (_, left) = ask("10.0.0.1:1", &["10.0.0.0/8"], &fields);
        assert_eq!(left, Fields::from_iter(passed));
        let (_, left) = ask("192.0.2.1:1", &["10.0.0.0/8"], &fields);
        assert!(left.is_empty(), "of strangers: {left:?}");
    }

    #[test]
    fn another_field_names_the_client_where_that_is_said() {
        let from = |name: &str| ClientField::new(name).unwrap();
        let fields = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.9"),
            ("cf-connecting-ip", "2001:db8::7"),
            ("x-real-ip", "192.0.2.8"),
        ];
        let (client, left) = ask_from(from("CF-Connecting-IP"), "10.0.0.1:1", &["10.0.0.0/8"], &fields);
        assert_eq!((ip(&client), left.len()), ("2001:db8::7", 1), "it goes on");
        assert_eq!(chain_of(&client), "6.6.6.6, 192.0.2.9, 10.0.0.1");
        let (client, _) = ask_from(from("x-real-ip"), "10.0.0.1:1", &["10.0.0.0/8"], &fields);
        assert_eq!(ip(&client), "192.0.2.8");
        let (client, left) = ask_from(from("CF-Connecting-IP"), "192.0.2.1:1", &["10.0.0.0/8"], &fields);
        assert_eq!((ip(&client), left.len()), ("192.0.2.1", 0), "a stranger");
    }

    #[test]
    fn without_that_field_the_client_is_the_proxy() {
        for value in [None, Some(""), Some("x"), Some("192.0.2.7, x")] {
            let fields = value.map(|value| ("true-client-ip", value));
            let fields: Vec<_> = fields
                .into_iter()
                .chain([("x-forwarded-for", "192.0.2.9")])
                .collect();
            let from = ClientField::new("True-Client-IP").unwrap();
            let (client, _) = ask_from(from, "10.0.0.1:1", &["10.0.0.0/8"], &fields);
            assert_eq!(ip(&client), "10.0.0.1", "{value:?}");
        }
        let from = ClientField::new("True-Client-IP").unwrap();
        let (client, _) = ask_from(
            from,
            "10.0.0.1:1",
            &["10.0.0.0/8"],
            &[("true-client-ip", "192.0.2.7")],
        );
        assert_eq!(chain_of(&client), "192.0.2.7, 10.0.0.1");
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        let fields = [(
            "x-forwarded-for",
            "6.6.6.6, <script>, 192.0.2.9:55, [2001:db8::1]:5",
        )];
        let (client, _) = ask("10.0.0.1:1000", &["10.0.0.0/8", "2001:db8::/32"], &fields);
        assert_eq!(
            (ip(&client), chain_of(&client)),
            ("192.0.2.9", "192.0.2.9, 2001:db8::1, 10.0.0.1")
        );
    }

    #[test]
    fn a_unix_client_has_no_address() {
        let client = Connected::new(None, None).client(&mut Fields::new(), &Trust::default());
        assert_eq!(
            (&client.remote, &client.forwarded_for),
            (&None, &ForwardedFor::Client)
        );
    }

    #[test]
    fn a_proxy_on_a_unix_socket_is_believed_where_unix_is_trusted() {
        let fields = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.9, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
        ];
        let (client, _) = ask("unix", &["unix", "10.0.0.0/8"], &fields);
        assert_eq!((ip(&client), client.secure), ("192.0.2.9", true));
        assert_eq!(chain_of(&client), "6.6.6.6, 192.0.2.9, 10.0.0.2");
        let (client, _) = ask("unix", &["10.0.0.0/8"], &fields);
        assert_eq!((ip(&client), chain_of(&client), client.secure), ("", "", false));
        let (client, _) = ask("10.0.0.1:1", &["unix"], &fields);
        assert_eq!((ip(&client), client.secure), ("10.0.0.1", false));
    }

    #[test]
    fn a_proxy_on_a_unix_socket_that_says_nothing_has_no_client() {
        let (client, left) = ask("unix", &["unix"], &[("accept", "*/*")]);
        assert_eq!(
            (client.remote, client.forwarded_for),
            (None, ForwardedFor::Nothing)
        );
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn a_proxy_behind_a_proxy_on_a_unix_socket_is_nginxs_word_for_it() {
        let fields = [("x-forwarded-for", "6.6.6.6, 192.0.2.9, unix:")];
        let (client, _) = ask("unix", &["unix"], &fields);
        assert_eq!(
            (ip(&client), chain_of(&client)),
            ("192.0.2.9", "6.6.6.6, 192.0.2.9")
        );
        let (client, _) = ask("10.0.0.1:1", &["10.0.0.0/8"], &fields);
        assert_eq!(ip(&client), "10.0.0.1");
    }
}
