//! Who the client is, and what the application is told about it.
//!
//! Inbound forwarding fields are believed only from `trusted_proxies`; applications believe them without
//! asking (uWSGI takes its URL scheme from `X-Forwarded-Proto`, reference section 2.4).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use crate::protocol::request::{Client, Peer};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// A client connection, with what does not change between its requests.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The connection's own ends.
    client: Arc<Client>,
}

impl Connected {
    /// A connection from `remote` to `local`; `None` stands for a unix socket.
    pub fn new(remote: Option<SocketAddr>, local: Option<SocketAddr>) -> Self {
        let remote = remote.map(Peer::from);
        let client = Client {
            forwarded_for: remote
                .as_ref()
                .and_then(|peer| HeaderValue::from_str(&peer.ip).ok()),
            forwarded_host: None,
            local: local.map(Peer::from),
            remote,
            secure: false,
        };
        Self {
            client: Arc::new(client),
        }
    }

    /// The address of the peer itself, trusted or not.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.client.remote.as_ref().map(|peer| peer.address)
    }

    /// Who sent this request. Takes every forwarding field out of `headers`: what is believed of them is in
    /// the client. Whether the peer is trusted is asked each time: a reload may have changed it.
    pub fn client(&self, headers: &mut HeaderMap, trusted: &[IpNet]) -> Arc<Client> {
        let believed = self.peer().is_some_and(|peer| contains(trusted, peer.ip()));
        let client = if believed {
            self.behind_proxy(headers, trusted)
        } else {
            self.client.clone()
        };
        let doomed: Vec<HeaderName> = headers
            .keys()
            .filter(|name| is_forwarding(name))
            .cloned()
            .collect();
        for name in doomed {
            headers.remove(name);
        }
        client
    }

    fn behind_proxy(&self, headers: &HeaderMap, trusted: &[IpNet]) -> Arc<Client> {
        let hops = hops(headers);
        let named = hops
            .iter()
            .rev()
            .find(|ip| !contains(trusted, **ip))
            .or(hops.first())
            .copied();
        let remote = match named {
            // The port of a forwarded client is not known.
            Some(ip) => Some(Peer::from(SocketAddr::new(ip, 0))),
            None => self.client.remote.clone(),
        };
        let proxy = self.peer().map(|peer| peer.ip());
        let chain: Vec<String> = hops.iter().chain(proxy.as_ref()).map(IpAddr::to_string).collect();
        let proto = headers.get(PROTO).map(HeaderValue::as_bytes);
        Arc::new(Client {
            remote,
            local: self.client.local.clone(),
            forwarded_for: HeaderValue::from_str(&chain.join(", ")).ok(),
            forwarded_host: headers.get(FORWARDED_HOST).cloned(),
            secure: proto.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https")),
        })
    }
}

/// Whether a field tells of a client behind a proxy. Applications believe all of them.
fn is_forwarding(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded-") || matches!(name, "forwarded" | "x-real-ip" | "front-end-https")
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

/// Entries of `X-Forwarded-For` that are looked at: more proxies than any chain has.
const MAX_HOPS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(peer: &str, trusted: &[&str], fields: &[(&str, &str)]) -> (Arc<Client>, HeaderMap) {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let local = "198.51.100.1:80".parse().ok();
        let client = Connected::new(peer.parse().ok(), local).client(&mut headers, &trusted);
        (client, headers)
    }

    fn ip(client: &Client) -> &str {
        &client.remote.as_ref().unwrap().ip
    }

    fn chain(client: &Client) -> &str {
        client.forwarded_for.as_ref().unwrap().to_str().unwrap()
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
        let (client, headers) = ask("192.0.2.9:1000", &["10.0.0.0/8"], &forged);
        assert_eq!(
            (ip(&client), chain(&client), client.secure),
            ("192.0.2.9", "192.0.2.9", false)
        );
        assert_eq!(client.forwarded_host, None);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn a_trusted_proxy_names_the_client() {
        let fields = [
            ("x-forwarded-for", "6.6.6.6, 192.0.2.9, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
        ];
        let (client, headers) = ask("10.0.0.1:1000", &["10.0.0.0/8"], &fields);
        assert_eq!((ip(&client), client.secure), ("192.0.2.9", true));
        assert_eq!(chain(&client), "6.6.6.6, 192.0.2.9, 10.0.0.2, 10.0.0.1");
        assert_eq!(client.forwarded_host.as_ref().unwrap(), "shop.example");
        assert!(headers.is_empty());
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
        let client = Connected::new(None, None).client(&mut HeaderMap::new(), &[]);
        assert_eq!((&client.remote, &client.forwarded_for), (&None, &None));
    }
}
