//! What an upstream needs to know: settings as checked values, defaults in one place.

use std::time::Duration;

use crate::protocol::params::PathInfo;
use crate::transport::Address;

/// A named group of endpoints and its policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The name after `upstream.` in the file.
    pub name: String,
    /// What the endpoints speak.
    pub protocol: ProtocolName,
    /// What the backend needs beyond its protocol.
    pub quirks: Quirks,
    /// At least one.
    pub endpoints: Vec<EndpointConfig>,
    /// How an endpoint is chosen.
    pub balance: Balance,
    /// Slots per endpoint; `None`: not limited.
    pub max_connections: Option<usize>,
    /// Idle connections kept per endpoint; 0: a connection per request.
    pub keep_alive: usize,
    /// Where requests wait for a slot.
    pub queue: Queue,
    /// How long requests wait for endpoints that are all down, counted from when one was last seen alive.
    pub hold: Duration,
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

/// One address of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointConfig {
    /// Where it is.
    pub address: Address,
    /// Share of the requests relative to the others, at least 1.
    pub weight: u32,
    /// Used only while no other endpoint is usable.
    pub backup: bool,
    /// Gets no new requests but those of its own sessions.
    pub drain: bool,
    /// Failures within [`fail_timeout`](Self::fail_timeout) after which the others are preferred; 0: never.
    pub max_fails: u32,
    /// For how long they are, and how far back failures count.
    pub fail_timeout: Duration,
    /// How long a recovered endpoint takes to get its whole share; zero: at once.
    pub slow_start: Duration,
}

/// Balancing algorithms that can be named in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Smooth weighted round robin.
    #[default]
    RoundRobin,
}

/// A bounded first-come queue in front of the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Requests that may wait at once.
    pub size: usize,
    /// Longest wait of one request.
    pub timeout: Duration,
}

/// When a request may be sent again; see [`retry`](super::retry).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often one request is sent at most. Attempts that sent nothing do not count.
    pub tries: u32,
    /// Also repeat requests whose method is not idempotent.
    pub non_idempotent: bool,
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
    /// Between two reads of the response body; in a tunnel, from either side.
    pub read: Duration,
    /// An unused kept connection is closed after this time.
    pub idle: Duration,
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
    /// HTTP: the server takes a body of unknown length, in chunks. uWSGI gives applications none of it.
    pub chunked_body: bool,
    /// uwsgi `modifier1`, never from client input.
    pub modifier1: u8,
    /// uwsgi `modifier2`.
    pub modifier2: u8,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            size: 1024,
            timeout: Duration::from_secs(30),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 3,
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

impl EndpointConfig {
    /// An endpoint with the defaults of every option: those of nginx.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            weight: 1,
            backup: false,
            drain: false,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            slow_start: Duration::ZERO,
        }
    }
}

impl Config {
    /// [`hold`](Self::hold) unless configured: what a reload of PHP-FPM or a restart of uWSGI takes.
    pub const HOLD: Duration = Duration::from_secs(10);
    /// Largest response head unless configured, in bytes: cookies and cache tags of real sites fit.
    pub const HEAD_SIZE: usize = 64 * 1024;
    /// Most fields in a response head unless configured.
    pub const HEAD_FIELDS: usize = 200;
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
