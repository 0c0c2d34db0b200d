//! What an upstream needs to know: settings as checked values, defaults in one place.

pub mod health;
pub mod slots;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use health::Health;
pub use slots::Slots;

use super::fair::Fair;
use super::hash_key::HashKey;
use crate::protocol::params::PathInfo;
use crate::protocol::proxy_protocol::Version;
use crate::transport::tls::BackendTls;
use crate::transport::{Address, Query, Secret};
use crate::variables::Template;

/// A named group of endpoints and its policy.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamConfig {
    /// The name after `upstream.` in the file.
    pub name: String,
    /// What the endpoints speak.
    pub protocol: ProtocolName,
    /// What the backend needs beyond its protocol.
    pub quirks: Quirks,
    /// What an HTTP server gets as `Host`; `None`: the client's.
    pub host: Option<Template>,
    /// How endpoints are told of the client in front of a connection; `None`: they are not.
    pub proxy_protocol: Option<Version>,
    /// Send paths in normal form, where they would go on as they came.
    pub normalize: bool,
    /// Those with an address of their own. At least one, unless there are [`sources`](Self::sources).
    pub endpoints: Vec<EndpointConfig>,
    /// What knows more of them; see `upstream/care`.
    pub sources: Vec<EndpointConfig<EndpointSource>>,
    /// TLS, for those endpoints that speak it.
    pub tls: BackendTls,
    /// How an endpoint is chosen.
    pub balance: Balance,
    /// How sessions are kept on their endpoints; `None`: they are not.
    pub sticky: Option<Sticky>,
    /// Slots per endpoint.
    pub max_connections: Slots,
    /// How endpoints are asked whether they live; `None`: they are not.
    pub health: Option<Health>,
    /// Idle connections kept per endpoint; 0: a connection per request.
    pub keep_alive: usize,
    /// Where requests wait for a slot.
    pub queue: Queue,
    /// How workers are shared between clients; `None`: first come, first served.
    pub fair: Option<Fair>,
    /// How long requests wait for endpoints that are all down, counted from when one was last seen alive.
    pub hold: Duration,
    /// Whether the start says which unix sockets cannot be reached yet.
    pub warn_unreachable: bool,
    /// When a request may be sent again.
    pub retry: Retry,
    /// Deadlines of one exchange.
    pub timeouts: Timeouts,
    /// Largest response head, in bytes.
    pub head_size: usize,
    /// Most fields in a response head.
    pub head_fields: usize,
}

/// The four backend protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProtocolName {
    /// FastCGI 1.0, responder role.
    FastCgi,
    /// uwsgi, modifier1 0 unless configured.
    Uwsgi,
    /// SCGI.
    Scgi,
    /// HTTP/1.1.
    Http,
}

/// What endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointSource {
    /// A name in the DNS.
    Dns(Query),
    /// An application that the gateway runs, by its name.
    App(String),
}

/// One address of an upstream; or, with an [`EndpointSource`] for its address, what the endpoints that are found there are
/// like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointConfig<A = Address> {
    /// Where it is.
    pub address: A,
    /// Whether TLS is spoken there.
    pub tls: bool,
    /// Share of the requests relative to the others, at least 1.
    pub weight: u32,
    /// Used only while no other endpoint is usable.
    pub backup: bool,
    /// Gets no new requests but those of its own sessions.
    pub drain: bool,
    /// Gets no requests at all.
    pub down: bool,
    /// Its slots, where they are not those of the upstream.
    pub max_connections: Option<usize>,
    /// Failures within [`fail_timeout`](Self::fail_timeout) after which the others are preferred; 0: never.
    pub max_fails: u32,
    /// For how long they are, and how far back failures count.
    pub fail_timeout: Duration,
    /// How long a recovered endpoint takes to get its whole share; zero: at once.
    pub slow_start: Duration,
}

/// What stands in front of the address of an endpoint that speaks TLS.
pub const TLS: &str = "tls:";

/// Balancing algorithms that can be named in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Smooth weighted round robin.
    #[default]
    RoundRobin,
    /// The least loaded.
    LeastConn,
    /// The less loaded of two drawn by weight.
    RandomTwo,
    /// By the client's network.
    IpHash,
    /// By a key, consistently.
    Hash(Hash),
    /// Of two drawn by weight, the one that is expected to answer sooner.
    Ewma,
}

/// How [`Balance::Hash`] hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hash {
    /// What of a request.
    pub key: HashKey,
    /// How much more than its share an endpoint may get.
    pub bound: Option<Bound>,
}

/// A factor above 1, kept in thousandths so that it prints as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound(u32);

/// Sessions that stay on their endpoints; see [`sticky`](crate::upstream::select::sticky).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sticky {
    /// Name of the cookie.
    pub cookie: String,
    /// What it is signed with; `None`: something new for every pool.
    pub secret: Option<Secret>,
    /// Path of the cookie.
    pub path: String,
    /// How long the client keeps it; `None`: until it is closed.
    pub max_age: Option<Duration>,
    /// Sent over TLS only; `None`: when the request came over TLS.
    pub secure: Option<bool>,
    /// Hidden from scripts.
    pub http_only: bool,
    /// From which sites the cookie is sent along.
    pub same_site: SameSite,
    /// Wait for a full endpoint instead of moving the session.
    pub wait: bool,
}

/// The attribute of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// From our own pages.
    Strict,
    /// Also when a link is followed.
    Lax,
    /// From everywhere.
    None,
}

/// A bounded first-come queue in front of the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Requests that may wait at once.
    pub size: usize,
    /// Longest wait of one request.
    pub timeout: Duration,
}

/// When a request may be sent again; see `upstream/attempt/retry.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// After which failures.
    pub on: RetryOn,
    /// How often one request is sent at most. Attempts that sent nothing do not count.
    pub tries: u32,
    /// How long after a request's arrival it may be sent again; `None`: as long as the queue permits.
    pub time: Option<Duration>,
    /// Also repeat requests whose method is not idempotent.
    pub non_idempotent: bool,
}

/// The failures after which a request may be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryOn {
    /// No connection.
    pub connect: bool,
    /// Closed, or broken, before a usable head.
    pub closed: bool,
    /// No head in time: the work may be running.
    pub timeout: bool,
    /// An answer with one of these statuses, as long as another endpoint is left.
    pub statuses: Vec<u16>,
}

/// Deadlines of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Between two successful writes.
    pub send: Duration,
    /// From the end of the request to the complete response head.
    pub head: Duration,
    /// Between two reads of the response body.
    pub read: Duration,
    /// An unused kept connection is closed after this time.
    pub idle: Duration,
}

/// Deadlines of an exchange that are not its upstream's; `None`: as that says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeTimeouts {
    /// See [`Timeouts::send`].
    pub send: Option<Duration>,
    /// See [`Timeouts::head`].
    pub head: Option<Duration>,
    /// See [`Timeouts::read`].
    pub read: Option<Duration>,
}

impl Timeouts {
    /// The same, but for those that are said otherwise.
    pub fn with(self, own: ExchangeTimeouts) -> Self {
        Self {
            send: own.send.unwrap_or(self.send),
            head: own.head.unwrap_or(self.head),
            read: own.read.unwrap_or(self.read),
            ..self
        }
    }
}

/// What a backend needs beyond its protocol; a profile is a set of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Which form of the path the application expects in `PATH_INFO`.
    pub path_info: PathInfo,
    /// Send `PATH_INFO` even when it is empty (not to PHP: reference CVE-2019-11043).
    pub empty_path_info: bool,
    /// Largest variable block in bytes (uWSGI `buffer-size`, 4,096 by default).
    pub max_block: usize,
    /// Most variables (uWSGI takes 128).
    pub max_params: usize,
    /// The server takes a body of unknown length: over HTTP in chunks, over FastCGI without `CONTENT_LENGTH`, to the end
    /// of STDIN. PHP, CGI programs and uWSGI take none of it.
    pub chunked_body: bool,
    /// uwsgi `modifier1`, never from client input.
    pub modifier1: u8,
    /// uwsgi `modifier2`.
    pub modifier2: u8,
}

impl UpstreamConfig {
    /// Whether it can be sent a body of unknown length.
    pub fn unknown_length(&self) -> bool {
        let possible = matches!(self.protocol, ProtocolName::FastCgi | ProtocolName::Http);
        possible && self.quirks.chunked_body
    }
}

impl EndpointSource {
    /// What stands in front of the name of an application.
    pub const APP: &str = "app:";
}

impl fmt::Display for EndpointSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(query) => query.fmt(f),
            Self::App(name) => write!(f, "{}{name}", Self::APP),
        }
    }
}

impl Balance {
    /// The name in configuration and logs, without the key.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::LeastConn => "least_conn",
            Self::RandomTwo => "random_two",
            Self::IpHash => "ip_hash",
            Self::Hash(_) => "hash",
            Self::Ewma => "ewma",
        }
    }
}

impl Bound {
    /// The factor times 1,000.
    pub fn thousandths(self) -> u32 {
        self.0
    }
}

impl FromStr for Bound {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Self, BoundError> {
        let factor: f64 = text.parse().map_err(|_| BoundError)?;
        let thousandths = (factor * 1000.0).round();
        if !(1001.0..=1_000_000.0).contains(&thousandths) {
            return Err(BoundError);
        }
        Ok(Self(thousandths as u32))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f64::from(self.0) / 1000.0).fmt(f)
    }
}

/// Not a factor from 1.001 to 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a factor from 1.001 to 1000")]
pub struct BoundError;

impl Sticky {
    /// Name of the cookie unless configured.
    pub const COOKIE: &str = "bh_route";
}

impl Default for Sticky {
    fn default() -> Self {
        Self {
            cookie: Self::COOKIE.to_owned(),
            secret: None,
            path: "/".to_owned(),
            max_age: None,
            secure: None,
            http_only: true,
            same_site: SameSite::Lax,
            wait: false,
        }
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            size: 1024,
            timeout: Duration::from_secs(30),
        }
    }
}

impl Default for RetryOn {
    fn default() -> Self {
        Self {
            connect: true,
            closed: true,
            timeout: false,
            statuses: Vec::new(),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            on: RetryOn::default(),
            tries: 3,
            time: None,
            non_idempotent: false,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            connect: Duration::from_secs(3),
            send: minute,
            head: minute,
            read: minute,
            idle: Duration::from_secs(10),
        }
    }
}

impl<A> EndpointConfig<A> {
    /// An endpoint with the defaults of every option: those of nginx.
    pub fn new(address: A) -> Self {
        Self {
            address,
            tls: false,
            weight: 1,
            backup: false,
            drain: false,
            down: false,
            max_connections: None,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            slow_start: Duration::ZERO,
        }
    }

    /// Where it is, as it is written and logged: `tls:app:8443`.
    pub fn place(&self) -> String
    where
        A: fmt::Display,
    {
        let tls = if self.tls { TLS } else { "" };
        format!("{tls}{}", self.address)
    }

    /// Whether it differs from the other at most in its share of the requests and the number of its slots.
    pub fn is_alike(&self, other: &Self) -> bool
    where
        A: Clone + PartialEq,
    {
        let share = Self {
            weight: other.weight,
            backup: other.backup,
            down: other.down,
            max_connections: other.max_connections,
            ..self.clone()
        };
        share == *other
    }

    /// The same, somewhere else.
    pub fn at<B>(&self, address: B) -> EndpointConfig<B> {
        let Self {
            address: _,
            tls,
            weight,
            backup,
            drain,
            down,
            max_connections,
            max_fails,
            fail_timeout,
            slow_start,
        } = *self;
        EndpointConfig {
            address,
            tls,
            weight,
            backup,
            drain,
            down,
            max_connections,
            max_fails,
            fail_timeout,
            slow_start,
        }
    }
}

impl UpstreamConfig {
    /// The settings of TLS, if an endpoint speaks it.
    pub fn secure(&self) -> Option<&BackendTls> {
        let fixed = self.endpoints.iter().any(|endpoint| endpoint.tls);
        let named = self.sources.iter().any(|source| source.tls);
        (fixed || named).then_some(&self.tls)
    }

    /// [`hold`](Self::hold) unless configured: what a reload of PHP-FPM or a restart of uWSGI takes.
    pub const HOLD: Duration = Duration::from_secs(10);
    /// Largest response head unless configured, in bytes: cookies and cache tags of real sites fit.
    pub const HEAD_SIZE: usize = 64 * 1024;
    /// Most fields in a response head unless configured.
    pub const HEAD_FIELDS: usize = 200;

    /// Whether there is one endpoint, and never another.
    pub fn has_one_endpoint(&self) -> bool {
        self.sources.is_empty() && self.endpoints.len() == 1
    }

    /// Whether the application reads the path of a request in the client's spelling.
    pub fn sends_path_as_it_came(&self) -> bool {
        let reads = self.protocol == ProtocolName::Http || self.quirks.path_info == PathInfo::Encoded;
        reads && !self.normalize
    }
}

impl ProtocolName {
    /// The name in configuration and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FastCgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::Http => "http",
        }
    }
}
