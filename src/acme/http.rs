//! Requests to a directory: one on a connection, over TLS. There are a dozen of them in a month.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{Method, Uri, Version};

use crate::framed::{self, Exchange};
use crate::protocol::fields::{FieldName, FieldValue, Fields};
use crate::protocol::http1::Http1;
use crate::protocol::params::SOFTWARE;
use crate::protocol::request::{Client, RequestId, Script};
use crate::protocol::{EncodeError, Event, RequestHead, ResponseHead, Target, head};
use crate::transport::tls::{BackendTls, HandshakeError, Material, TlsConnector, TlsError};
use crate::transport::{Address, ConnectError, Stream, connect};

/// From the beginning of a request to the end of its answer.
const DEADLINE: Duration = Duration::from_secs(30);

/// Bytes of an answer: chains of certificates are the largest.
const LIMIT: usize = 256 * 1024;

/// How large the head of an answer may be.
const HEAD: head::Limits = head::Limits {
    size: 32 * 1024,
    fields: 100,
};

/// Sends requests to one directory.
#[derive(Clone, Debug)]
pub(super) struct Http {
    connector: Arc<TlsConnector>,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: &'a str,
    /// With a body: signed JSON.
    pub(super) body: Option<Bytes>,
}

/// What comes back.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) nonce: Option<String>,
    pub(super) location: Option<String>,
    /// How long to wait, as the directory wants it.
    pub(super) retry_after: Option<Duration>,
    /// Addresses by their relation (RFC 8288).
    pub(super) links: Vec<(String, String)>,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// A directory sent us somewhere that we do not go.
    #[error("`{0}` is not a URL that begins with https://")]
    Url(String),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It is not believed to be the directory.
    #[error("no TLS: {0}")]
    Handshake(#[from] HandshakeError),
    /// It cannot be asked.
    #[error(transparent)]
    Unsendable(#[from] EncodeError),
    /// It broke off.
    #[error(transparent)]
    Broken(#[from] framed::Error),
    /// It is larger than any answer.
    #[error("an answer of more than {LIMIT} bytes")]
    TooLarge,
    /// It did not come.
    #[error("no answer within {DEADLINE:?}")]
    Late,
}

impl Http {
    /// Reads the issuers that are believed. Not for a thread of the runtime.
    pub(super) fn load(ca: Option<PathBuf>) -> Result<Self, TlsError> {
        let tls = BackendTls {
            ca,
            ..BackendTls::default()
        };
        let material = Material::default().load([].into_iter(), [&tls].into_iter())?;
        let connector = material.connector(&tls).ok_or(TlsError::Absent)?;
        Ok(Self { connector })
    }

    /// Sends a request, and waits for all of the answer.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<Reply, HttpError> {
        let answer = tokio::time::timeout(DEADLINE, self.exchange(request)).await;
        answer.unwrap_or(Err(HttpError::Late))
    }

    async fn exchange(&self, request: Request<'_>) -> Result<Reply, HttpError> {
        let place = Place::of(request.url).ok_or_else(|| HttpError::Url(request.url.to_owned()))?;
        let stream = self.open(&place).await?;
        let (head, body) = (place.head(&request), request.body.unwrap_or_default());
        let codec = Http1 {
            keep: false,
            limits: HEAD,
        };
        let mut exchange = Exchange::begin(stream, &codec, &head)?;
        if !body.is_empty() {
            exchange.push_body(body);
        }
        exchange.finish_body();
        let (mut reply, mut body) = (Reply::default(), BytesMut::new());
        loop {
            match exchange.event().await? {
                Event::Head(head) => reply = Reply::from(&*head),
                Event::Body(piece) if body.len() + piece.len() > LIMIT => return Err(HttpError::TooLarge),
                Event::Body(piece) => body.extend_from_slice(&piece),
                Event::Interim(_) | Event::Stderr(_) | Event::Trailers(_) => {}
                Event::Switched | Event::End { .. } => break,
            }
        }
        reply.body = body.freeze();
        Ok(reply)
    }

    async fn open(&self, place: &Place) -> Result<Stream, HttpError> {
        let stream = connect(&place.address, DEADLINE).await?;
        match place.secure {
            true => Ok(self.connector.connect(stream, &place.address).await?),
            false => Ok(stream),
        }
    }
}

/// What a URL says.
struct Place {
    address: Address,
    secure: bool,
    authority: String,
    target: Target,
}

impl Place {
    /// `None`: it is no place that secrets may be sent to. Without TLS only this machine is.
    fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let secure = uri.scheme_str()? == "https";
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let address: Address = format!("{}:{port}", uri.host()?).parse().ok()?;
        let is_here = matches!(&address, Address::Tcp(address) if address.ip().is_loopback());
        if !(secure || uri.scheme_str()? == "http" && is_here) {
            return None;
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Some(Self {
            address,
            secure,
            authority: uri.authority()?.as_str().to_owned(),
            target: Target::from_bytes(Bytes::copy_from_slice(target.as_bytes())).ok()?,
        })
    }

    fn head(&self, request: &Request<'_>) -> RequestHead {
        let mut fields = Fields::new();
        if let Some(authority) = FieldValue::new(self.authority.as_bytes()) {
            fields.append(FieldName::Host, authority);
        }
        fields.append(FieldName::UserAgent, SOFTWARE);
        fields.append(
            FieldName::Accept,
            "application/json, application/pem-certificate-chain, */*",
        );
        if request.body.is_some() {
            fields.append(FieldName::ContentType, "application/jose+json");
        }
        RequestHead {
            method: request.method.clone(),
            target: self.target.clone(),
            version: Version::HTTP_11,
            fields,
            // What it makes its addresses of (X-Forwarded-Proto).
            client: Client {
                secure: self.secure,
                ..Client::default()
            },
            script: Script::default(),
            server_name: None,
            host: None,
            content_length: request.body.as_ref().map(|body| body.len() as u64),
            chunked: false,
            upgrade: false,
            trailers: false,
            extra: Arc::default(),
            routed: None,
            id: RequestId(0),
        }
    }
}

impl From<&ResponseHead> for Reply {
    fn from(head: &ResponseHead) -> Self {
        let text = |name: &[u8]| {
            let value = head.fields.get_named(name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let links = head.fields.all_named(b"Link");
        Self {
            status: head.status.as_u16(),
            nonce: text(b"Replay-Nonce"),
            location: text(b"Location"),
            retry_after: text(b"Retry-After").and_then(|text| pause(&text, SystemTime::now())),
            links: links
                .flat_map(|value| links_in(&String::from_utf8_lossy(value)))
                .collect(),
            body: Bytes::new(),
        }
    }
}

/// `120`, or a date (RFC 9110, section 10.2.3).
fn pause(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// `<https://ca.example/cert/1>;rel="alternate"`: the relation, and where it leads.
fn links_in(value: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    for link in value.split(',') {
        let mut parts = link.split(';').map(str::trim);
        let url = parts
            .next()
            .and_then(|url| url.strip_prefix('<')?.strip_suffix('>'));
        let relation = parts.find_map(|part| part.strip_prefix("rel="));
        if let (Some(url), Some(relation)) = (url, relation) {
            links.push((relation.trim_matches('"').to_owned(), url.to_owned()));
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_to_https_and_to_this_machine_alone() {
        for (url, address) in [
            ("https://ca.example/directory", Some("ca.example:443")),
            ("https://ca.example:14000/dir?a=b", Some("ca.example:14000")),
            ("http://127.0.0.1:4000/dir", Some("127.0.0.1:4000")),
            ("http://ca.example/directory", None),
            ("ftp://127.0.0.1/directory", None),
            ("/directory", None),
        ] {
            let place = Place::of(url).map(|place| place.address.to_string());
            assert_eq!(place.as_deref(), address, "{url}");
        }
    }

    #[test]
    fn links_have_their_relation() {
        let links = links_in(r#"<https://a.example/1>;rel="alternate", <https://a.example/dir>; rel=index"#);
        let expected = [
            ("alternate", "https://a.example/1"),
            ("index", "https://a.example/dir"),
        ];
        assert_eq!(
            links,
            expected.map(|(one, other)| (one.to_owned(), other.to_owned()))
        );
        assert_eq!(links_in("nonsense, <x>"), []);
    }

    #[test]
    fn a_pause_is_a_number_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        assert_eq!(pause("120", now), Some(Duration::from_secs(120)));
        let date = httpdate::fmt_http_date(now + Duration::from_secs(60));
        assert_eq!(pause(&date, now), Some(Duration::from_secs(60)));
        assert_eq!(pause("Sun, 09 Sep 2001 01:46:39 GMT", now), Some(Duration::ZERO));
        assert_eq!(pause("soon", now), None);
    }
}
