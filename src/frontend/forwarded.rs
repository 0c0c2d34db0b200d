//! The client, and what the application is told about it.
//!
//! Inbound forwarding fields are believed only from `trusted_proxies`; applications believe them without
//! asking (uWSGI takes its URL scheme from `X-Forwarded-Proto`, reference section 2.4).

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;

use crate::protocol::fields::{Field, FieldName, FieldNames, Fields};
use crate::protocol::peer::Peer;
use crate::protocol::request::{Client, ForwardedFor};
use crate::protocol::tls::ClientTls;

/// A client connection, with what does not change between its requests.
#[derive(Clone, Debug)]
pub struct Connected {
    remote: Option<Peer>,
    local: Option<Arc<Peer>>,
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
            tls: None,
        }
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

    /// Whether the connection has TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The address of the peer itself, trusted or not.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.remote.as_ref().map(|remote| remote.address)
    }

    /// The same without the port, as text.
    pub fn ip(&self) -> Option<&str> {
        self.remote.as_ref().map(Peer::ip_text)
    }

    /// The client as the connection itself shows it.
    fn own(&self) -> Client {
        Client {
            remote: self.remote.clone(),
            local: self.local.clone(),
            forwarded_for: ForwardedFor::Client,
            forwarded_host: None,
            secure: self.is_secure(),
            tls: self.tls.clone(),
        }
    }

    /// The client that sent this request. Takes every forwarding field out of `fields`: what is believed of them is in
    /// the client. Whether the peer is trusted is asked each time: a reload may have changed it.
    pub fn client(&self, fields: &mut Fields, trusted: &[IpNet]) -> Client {
        let believed = self.believed(fields, trusted);
        // What the gateway says itself, no proxy says.
        let identifies = believed.is_some() && !self.tls.as_ref().is_some_and(|tls| tls.asked);
        let goes = |field: &Field<'_>| is_forwarding(field) || !identifies && is_identity(field);
        let known = !fields.present().and(FORWARDING).is_empty();
        if known || fields.others().any(|field| goes(&field)) {
            fields.retain(|field| !goes(&field));
        }
        believed.unwrap_or_else(|| self.own())
    }

    /// The client as a trusted proxy names it; `None`: the peer is none.
    pub(super) fn believed(&self, fields: &Fields, trusted: &[IpNet]) -> Option<Client> {
        let peer = self.peer()?.ip();
        contains(trusted, peer).then(|| self.behind_proxy(fields, trusted))
    }

    fn behind_proxy(&self, fields: &Fields, trusted: &[IpNet]) -> Client {
        let hops = hops(fields);
        let named = hops
            .iter()
            .rev()
            .find(|ip| !contains(trusted, **ip))
            .or(hops.first())
            .copied();
        let remote = match named {
            // The port of a forwarded client is not known.
            Some(ip) => Some(SocketAddr::new(ip, 0).into()),
            None => self.remote.clone(),
        };
        let proxy = self.peer().map(|peer| peer.ip());
        let chain: Vec<String> = hops.iter().chain(proxy.as_ref()).map(IpAddr::to_string).collect();
        let proto = fields.get(FieldName::XForwardedProto);
        Client {
            remote,
            local: self.local.clone(),
            forwarded_for: ForwardedFor::Chain(Box::new(chain.join(", ").into())),
            forwarded_host: fields.to_bytes(FieldName::XForwardedHost).map(Box::new),
            secure: match proto {
                Some(proto) => proto.eq_ignore_ascii_case(b"https"),
                None => self.is_secure(),
            },
            tls: self.tls.clone(),
        }
    }
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

/// The addresses that the proxies before us name, oldest first. The list ends, seen from us, at the first
/// entry that is no address: what is before it cannot be told from a forgery.
fn hops(fields: &Fields) -> Vec<IpAddr> {
    let values = fields
        .all(FieldName::XForwardedFor)
        .filter(|value| value.is_ascii())
        .filter_map(|value| std::str::from_utf8(value).ok());
    let entries: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let known = entries.iter().rev().map_while(|entry| address(entry));
    let mut hops: Vec<IpAddr> = known.take(MAX_HOPS).collect();
    hops.reverse();
    hops
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`
fn address(entry: &str) -> Option<IpAddr> {
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let ip = entry
        .parse()
        .ok()
        .or_else(bare)
        .or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&ip))
}

fn contains(networks: &[IpNet], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&ip))
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

/// What all others start with.
const PREFIX: &[u8] = b"X-Forwarded-";

/// What the fields start with that tell of the certificate of a client.
const IDENTITY: &[u8] = b"X-SSL-Client-";

/// Entries of `X-Forwarded-For` that are looked at: more proxies than any chain has.
const MAX_HOPS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(peer: &str, trusted: &[&str], fields: &[(&str, &str)]) -> (Client, Fields) {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut left: Fields = fields.iter().copied().collect();
        let local = "198.51.100.1:80".parse().ok();
        let client = Connected::new(peer.parse().ok(), local).client(&mut left, &trusted);
        (client, left)
    }

    fn ip(client: &Client) -> &str {
        client.remote.as_ref().unwrap().ip_text()
    }

    fn chain(client: &Client) -> &str {
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
            (ip(&client), chain(&client), client.secure),
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
        assert_eq!(chain(&client), "6.6.6.6, 192.0.2.9, 10.0.0.2, 10.0.0.1");
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
            let client = connected.client(&mut fields, &["10.0.0.0/8".parse().unwrap()]);
            assert!(client.secure && client.tls.is_some());
            fields.len()
        };
        assert_eq!(left("192.0.2.9:1", false), 0);
        assert_eq!(left("10.0.0.1:1", false), 2);
        assert_eq!(left("10.0.0.1:1", true), 0);
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        let fields = [(
            "x-forwarded-for",
            "6.6.6.6, <script>, 192.0.2.9:55, [2001:db8::1]:5",
        )];
        let (client, _) = ask("10.0.0.1:1000", &["10.0.0.0/8", "2001:db8::/32"], &fields);
        assert_eq!(
            (ip(&client), chain(&client)),
            ("192.0.2.9", "192.0.2.9, 2001:db8::1, 10.0.0.1")
        );
    }

    #[test]
    fn a_unix_client_has_no_address() {
        let client = Connected::new(None, None).client(&mut Fields::new(), &[]);
        assert_eq!(
            (&client.remote, &client.forwarded_for),
            (&None, &ForwardedFor::Client)
        );
    }
}
