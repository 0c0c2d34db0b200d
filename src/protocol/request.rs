//! A request as the codecs see it: checked, normalised, ready to become variables.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Version};

use super::captures::Captures;
use super::fields::{FieldName, Fields, scan};
use super::peer::Peer;
use super::proxy_protocol::Header;
use super::target::Target;
use super::tls::ClientTls;

/// Everything a backend may learn about a request, apart from its body.
///
/// Built by the front end, which has checked it: no hop-by-hop fields, no field names that a variable block
/// cannot carry, forwarding fields set by us, `Host` present when the client named one.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// Method, case kept.
    pub method: Method,
    /// Target in origin form, query included: exactly as received, unless [`routed`](Self::routed) has that.
    pub target: Target,
    /// Version the client spoke.
    pub version: Version,
    /// End-to-end fields, in the order and the spelling of the client. `Content-Length` is not consulted: see `content_length`.
    pub fields: Fields,
    /// The client connection.
    pub client: Client,
    /// Which script or mounted application answers, and the rest of the path.
    pub script: Script,
    /// The name of the site as it is configured (`SERVER_NAME`); `None`: what the client says.
    pub server_name: Option<Arc<String>>,
    /// `Host` towards an HTTP server, where it is not the client's.
    pub host: Option<Box<Bytes>>,
    /// Exact length of the body; `Some(0)` for an announced empty body, `None` for no body at all, unless
    /// `chunked` is set.
    pub content_length: Option<u64>,
    /// A body follows whose length is not known: only HTTP backends can take it.
    pub chunked: bool,
    /// An accepted protocol upgrade: `Upgrade` and `Connection` are passed on.
    pub upgrade: bool,
    /// The client takes trailers (RFC 9110, section 10.1.4): HTTP backends are told.
    pub trailers: bool,
    /// Variables that the route adds; they win over every other variable of their name.
    pub extra: Arc<[(String, Bytes)]>,
    /// What routing has made of it, if anything.
    pub routed: Option<Box<Routed>>,
    /// Identifies the request in logs.
    pub id: RequestId,
}

/// What is kept of a request that was not only passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routed {
    /// The target as received (`REQUEST_URI`), where the gateway has given the request another one.
    pub asked: Option<Bytes>,
    /// What the patterns of its route took out of it.
    pub captures: Captures,
    /// The method that its application gets, if not the client's.
    pub method: Option<Method>,
    /// The name that the client has proved to have (`REMOTE_USER`), by the Basic scheme.
    pub user: Option<Box<[u8]>>,
}

/// The client, and where it is connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The client's address after trusted proxies; `None` on unix sockets.
    pub remote: Option<Peer>,
    /// Our own address on that connection; `None` on unix sockets. Shared by the connections that have the same.
    pub local: Option<Arc<Peer>>,
    /// `X-Forwarded-For`.
    pub forwarded_for: ForwardedFor,
    /// `X-Forwarded-Host`, when a trusted proxy named one; else it is the request's host.
    pub forwarded_host: Option<Box<Bytes>>,
    /// Whether the client used TLS, as far as we or a trusted proxy know.
    pub secure: bool,
    /// What is known of TLS on the connection itself, if it has any.
    pub tls: Option<Arc<ClientTls>>,
    /// The port that the client connected to, when a trusted proxy says so; else it is ours.
    pub forwarded_port: Option<u16>,
    /// What a load balancer said of the connection.
    pub announced: Option<Arc<Header>>,
}

/// What an application is told of the addresses that a request came by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ForwardedFor {
    /// Nothing.
    #[default]
    Nothing,
    /// The client's address alone.
    Client,
    /// Those that it may believe, oldest first.
    Chain(Box<Bytes>),
}

/// What an application is told about the client's connection in `X-Forwarded-*` and `X-Real-IP`.
#[derive(Clone, Copy, Debug)]
pub struct Forwarding<'a> {
    /// `X-Forwarded-For`
    pub chain: Option<&'a [u8]>,
    /// `X-Real-IP`
    pub ip: Option<&'a [u8]>,
    /// `X-Forwarded-Host`
    pub host: Option<&'a [u8]>,
    /// `X-Forwarded-Proto`
    pub proto: &'static str,
}

impl Client {
    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

impl RequestHead {
    /// The forwarding fields. They are kept apart from `fields`, where a client's own have been removed.
    pub fn forwarding(&self) -> Forwarding<'_> {
        let client = &self.client;
        let ip = client.remote.as_ref().map(|remote| remote.ip());
        Forwarding {
            chain: match &client.forwarded_for {
                ForwardedFor::Nothing => None,
                ForwardedFor::Client => ip,
                ForwardedFor::Chain(chain) => Some(chain),
            },
            ip,
            host: client
                .forwarded_host
                .as_deref()
                .map(|host| &host[..])
                .or_else(|| self.fields.get(FieldName::Host)),
            proto: client.scheme(),
        }
    }

    /// `REQUEST_URI`: the target as it came.
    pub fn asked(&self) -> &[u8] {
        let asked = self.routed.as_ref().and_then(|routed| routed.asked.as_ref());
        match asked {
            Some(asked) => asked,
            None => self.target.as_bytes(),
        }
    }

    /// The method that its application gets.
    pub fn method_onward(&self) -> &Method {
        let other = self.routed.as_ref().and_then(|routed| routed.method.as_ref());
        other.unwrap_or(&self.method)
    }

    /// The version as request lines have it: `HTTP/1.1`.
    pub fn version_text(&self) -> &'static str {
        match self.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        }
    }

    /// `SERVER_NAME`: the configured name; else the host part of the authority, without port; our own address when the
    /// client named no host, empty on a unix socket. IPv6 is in brackets (RFC 3875, section 4.1.14).
    pub fn server_name(&self) -> Cow<'_, [u8]> {
        if let Some(name) = &self.server_name {
            return name.as_bytes().into();
        }
        match (self.fields.get(FieldName::Host), &self.client.local) {
            (Some(host), _) if !host.is_empty() => without_port(host).into(),
            (_, Some(local)) => local.host(),
            (_, None) => Cow::default(),
        }
    }
}

/// `host:80` and `[::1]:80` without the port. Brackets stay (RFC 3875, section 4.1.14). `host.` is `host`: the dot of the
/// root says only that the name is complete (RFC 1034, section 3.1).
pub fn without_port(authority: &[u8]) -> &[u8] {
    let start = match authority {
        [b'[', ..] => authority.iter().rposition(|byte| *byte == b']').unwrap_or(0),
        _ => 0,
    };
    let name = &authority[..start + scan::len_before::<b':'>(&authority[start..])];
    name.strip_suffix(b".").unwrap_or(name)
}

/// The split of the path into what selects the application and what it gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// `SCRIPT_NAME`: decoded; the script's URL path or the mount point, may be empty.
    pub name: Bytes,
    /// `PATH_INFO`: decoded remainder, empty or starting with a slash.
    pub path_info: Bytes,
    /// The same remainder as the client sent it, byte for byte, or encoded again (Gunicorn decodes it itself).
    pub path_info_encoded: Bytes,
    /// `SCRIPT_FILENAME`: absolute path on the application's side.
    pub filename: Option<Bytes>,
    /// `DOCUMENT_ROOT` on the application's side.
    pub document_root: Option<Bytes>,
    /// PHP runs the file: it must get neither an empty `PATH_INFO` nor a `PATH_TRANSLATED`, whatever the upstream's
    /// profile says (CVE-2019-11043; reference, section 5).
    pub php: bool,
}

impl Script {
    /// The name of a script that was found for `path`, where that is another one: the path goes on behind it, or is its
    /// directory's. A front controller answers for others' paths, and was not found for them.
    pub fn found_for(&self, path: &[u8]) -> Option<&[u8]> {
        let name = &self.name[..];
        let has_path_behind = !self.path_info.is_empty() && path.starts_with(name);
        let is_index = self.path_info.is_empty() && path.ends_with(b"/") && name.starts_with(path);
        (name != path && (has_path_behind || is_index)).then_some(name)
    }
}

/// A random number that names a request in logs and towards the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub u64);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_name_has_no_port() {
        for (authority, name) in [
            ("a.example", "a.example"),
            ("a.example:80", "a.example"),
            ("a.example:", "a.example"),
            ("a.example.", "a.example"),
            ("a.example.:80", "a.example"),
            ("[::1]", "[::1]"),
            ("[::1]:80", "[::1]"),
        ] {
            assert_eq!(without_port(authority.as_bytes()), name.as_bytes());
        }
    }
}
