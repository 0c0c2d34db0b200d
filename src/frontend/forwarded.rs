//! Who the client is, and what the application is told about it.
//!
//! Inbound forwarding fields are believed only from `trusted_proxies`; applications believe them without
//! asking (uWSGI takes its URL scheme from `X-Forwarded-Proto`, reference section 2.4).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{FORWARDED, HOST, HeaderName};
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use crate::protocol::request::{Client, Peer};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Fields of the same kind that we do not set and that nobody may forge.
const OTHERS: [&str; 6] = [
    "x-forwarded-ssl",
    "x-forwarded-port",
    "x-forwarded-scheme",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "front-end-https",
];

/// A client connection, with what does not change between its requests.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The connection's own ends.
    client: Arc<Client>,
    /// The peer's address as a field value.
    ip: Option<HeaderValue>,
    /// Whether the peer is a proxy whose fields are believed.
    trusted: bool,
}

impl Connected {
    /// A connection from `remote` to `local`; `None` stands for a unix socket.
    pub fn new(remote: Option<SocketAddr>, local: Option<SocketAddr>, trusted: &[IpNet]) -> Self {
        let remote = remote.map(Peer::from);
        let ip = remote
            .as_ref()
            .and_then(|peer| HeaderValue::from_str(&peer.ip).ok());
        let trusted = remote
            .as_ref()
            .is_some_and(|peer| contains(trusted, peer.address.ip()));
        Self {
            client: Arc::new(Client {
                remote,
                local: local.map(Peer::from),
                secure: false,
            }),
            ip,
            trusted,
        }
    }

    /// The address of the peer itself, trusted or not.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.client.remote.as_ref().map(|peer| peer.address)
    }

    /// Who sent this request, and the forwarding fields put right.
    pub fn client(&self, headers: &mut HeaderMap, trusted: &[IpNet]) -> Arc<Client> {
        if self.trusted {
            return self.behind_proxy(headers, trusted);
        }
        headers.remove(FORWARDED);
        for name in OTHERS {
            headers.remove(name);
        }
        set(headers, FOR, self.ip.clone());
        set(headers, REAL_IP, self.ip.clone());
        set(headers, FORWARDED_HOST, headers.get(HOST).cloned());
        headers.insert(PROTO, HeaderValue::from_static(self.client.scheme()));
        self.client.clone()
    }

    fn behind_proxy(&self, headers: &mut HeaderMap, trusted: &[IpNet]) -> Arc<Client> {
        let hops = hops(headers);
        let client = hops
            .iter()
            .rev()
            .find(|ip| !contains(trusted, **ip))
            .or(hops.first())
            .copied();
        let proto = headers.get(PROTO).map(HeaderValue::as_bytes);
        let secure = proto.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https"));
        if !secure {
            headers.insert(PROTO, HeaderValue::from_static("http"));
        }
        if !headers.contains_key(FORWARDED_HOST) {
            set(headers, FORWARDED_HOST, headers.get(HOST).cloned());
        }
        let chain: Vec<String> = hops
            .iter()
            .chain(self.peer().map(|peer| peer.ip()).as_ref())
            .map(IpAddr::to_string)
            .collect();
        set(headers, FOR, HeaderValue::from_str(&chain.join(", ")).ok());
        let remote = match client {
            // The port of a forwarded client is not known.
            Some(ip) => Some(Peer::from(SocketAddr::new(ip, 0))),
            None => self.client.remote.clone(),
        };
        set(
            headers,
            REAL_IP,
            remote
                .as_ref()
                .and_then(|peer| HeaderValue::from_str(&peer.ip).ok()),
        );
        Arc::new(Client {
            remote,
            local: self.client.local.clone(),
            secure,
        })
    }
}

/// The addresses that the proxies before us name, oldest first. The list ends, seen from us, at the first
/// entry that is no address: what is before it cannot be told from a forgery.
fn hops(headers: &HeaderMap) -> Vec<IpAddr> {
    let values = headers
        .get_all(FOR)
        .iter()
        .filter_map(|value| value.to_str().ok());
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

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    match value {
        Some(value) => headers.insert(name, value),
        None => headers.remove(name),
    };
}

/// Entries of `X-Forwarded-For` that are looked at: more proxies than any chain has.
const MAX_HOPS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(peer: &str, trusted: &[&str], fields: &[(&str, &str)]) -> (Arc<Client>, HeaderMap) {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("shop.example"));
        for (name, value) in fields {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let local = "198.51.100.1:80".parse().ok();
        let client = Connected::new(peer.parse().ok(), local, &trusted).client(&mut headers, &trusted);
        (client, headers)
    }

    fn ip(client: &Client) -> &str {
        &client.remote.as_ref().unwrap().ip
    }

    #[test]
    fn a_strangers_fields_are_replaced() {
        let forged = [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("x-forwarded-ssl", "on"),
            ("x-forwarded-host", "evil"),
        ];
        let (client, headers) = ask("192.0.2.9:1000", &["10.0.0.0/8"], &forged);
        assert_eq!((ip(&client), client.secure), ("192.0.2.9", false));
        assert_eq!(headers[FOR], "192.0.2.9");
        assert_eq!(headers[REAL_IP], "192.0.2.9");
        assert_eq!(headers[PROTO], "http");
        assert_eq!(headers[FORWARDED_HOST], "shop.example");
        assert!(!headers.contains_key(FORWARDED) && !headers.contains_key("x-forwarded-ssl"));
    }

    #[test]
    fn a_trusted_proxy_names_the_client() {
        let fields = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.9, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
        ];
        let (client, headers) = ask("10.0.0.1:1000", &["10.0.0.0/8"], &fields);
        assert_eq!((ip(&client), client.secure), ("192.0.2.9", true));
        assert_eq!(headers[FOR], "6.6.6.6, 192.0.2.9, 10.0.0.2, 10.0.0.1");
        assert_eq!(headers[REAL_IP], "192.0.2.9");
        assert_eq!(headers[PROTO], "https");
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        let fields = [(
            "x-forwarded-for",
            "6.6.6.6, <script>, 192.0.2.9:55, [2001:db8::1]:5",
        )];
        let (client, headers) = ask("10.0.0.1:1000", &["10.0.0.0/8", "2001:db8::/32"], &fields);
        assert_eq!(ip(&client), "192.0.2.9");
        assert_eq!(headers[FOR], "192.0.2.9, 2001:db8::1, 10.0.0.1");
    }

    #[test]
    fn a_unix_client_has_no_address() {
        let mut headers = HeaderMap::new();
        let client = Connected::new(None, None, &[]).client(&mut headers, &[]);
        assert_eq!(client.remote, None);
        assert!(!headers.contains_key(FOR));
    }
}
