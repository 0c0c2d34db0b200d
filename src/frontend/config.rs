//! What the front end needs to know: settings as checked values, defaults in one place.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use super::pace::Rate;
use super::trust::{Trust, TrustedProxy};
use crate::files::Symlinks;
use crate::protocol::fields::FieldName;
use crate::telemetry::config as log;
use crate::transport::tls::{ClientAuth, HostClient, ListenerTls};
use crate::transport::{Access, Address};
use crate::upstream::model::config::ExchangeTimeouts;

pub use super::accel::{Accel, SendFile};
pub use super::condition::{Wanted, When};
pub use super::errors::{Errors, Page, PagePlace, PageStatus, Statuses};
pub use super::field_rules::FieldRules;
pub use super::filter::{
    AccessRules, BasicAuth, CompressionSettings as Compression, CookieAttributes, CorsRules, Maintenance,
    ResponseHeaders, Satisfy,
};
pub use super::handler::{
    Cgi, DocumentRoot, Fallback, Files, Php, Proxy, Redirect, Respond, Rewrite, Settings as Handler, Status,
    StatusFormat,
};
pub use super::keep_alive::KeepAlive;
pub use super::limits::{Limit, RequestRate};
pub use super::onward::{ExtraParams, Onward};
pub use super::pattern::{Pattern, PatternError};
pub use super::rule::{Host, Path};
pub use super::secure_hosts::SecureHostsConfig;

/// Everything about the HTTP side.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontendConfig {
    /// At least one.
    pub listeners: Vec<Listener>,
    /// Those that routes name.
    pub limits: Vec<Limit>,
    /// In the order of the file; the router sorts them.
    pub routes: Vec<Route>,
    /// Which peers are believed about clients.
    pub trust: Trust,
    /// Deadlines of the whole front end.
    pub timeouts: Timeouts,
    /// What holds for clients, unless their listener says otherwise.
    pub edge: Edge,
    /// Client connections at a time; more wait in the kernel.
    pub max_connections: usize,
    /// Hosts whose certificates the gateway gets for itself; `None`: there are none.
    pub secure_hosts: Option<SecureHostsConfig>,
}

/// One address to accept connections on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub address: Address,
    /// Pending connections that the kernel holds.
    pub backlog: u32,
    /// Which users may connect to a unix socket.
    pub access: Access,
    /// Whose connections begin with a header of the PROXY protocol.
    pub proxy_protocol: ProxyProtocol,
    /// How TLS is spoken there; `None`: it is not.
    pub tls: Option<Box<ListenerTls>>,
    /// What routes call it.
    pub name: Option<String>,
    /// What holds for its clients.
    pub edge: Edge,
}

/// What holds for clients: how long they are waited for, and what they may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Deadlines.
    pub timeouts: ClientTimeouts,
    /// Largest request head, in bytes: 431 above.
    pub head_size: usize,
    /// Most fields in a request head: 431 above.
    pub head_fields: usize,
    /// Bytes of a request that nothing wants, read and dropped so that its connection lives on; above, it ends.
    pub discard: u64,
    /// How long connections go on.
    pub keep_alive: KeepAlive,
    /// Streams of a connection of HTTP/2 at a time.
    pub streams: u32,
}

/// The peers whose connections begin with a header of the PROXY protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyProtocol {
    /// Those that are believed. Empty: none.
    pub from: Vec<TrustedProxy>,
}

impl ProxyProtocol {
    /// Whether a peer has to announce its connections; one on a unix socket has no address.
    pub fn is_from(&self, peer: Option<SocketAddr>) -> bool {
        let peer = peer.map(|peer| peer.ip().to_canonical());
        self.from.iter().any(|proxy| proxy.is(peer))
    }
}

/// Deadlines of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// From the connection to the end of what comes in front of its first request: the header of the PROXY protocol, the
    /// TLS handshake.
    pub handshake: Duration,
    /// Without a request on a connection, before its first one and between two.
    pub idle: Duration,
    /// From the first byte to the end of the request head.
    pub head: Duration,
    /// Between two reads of the request body: 408 after it.
    pub body: Duration,
    /// Between two successful writes to the client.
    pub send: Duration,
    /// How long a connection that was ended by us is read from, so that the client gets its answer.
    pub linger: Duration,
    /// Between two PINGs to an HTTP/2 client, and for its answer to one.
    pub h2_ping: Duration,
    /// How long nothing may move in either direction of a tunnel.
    pub tunnel: Duration,
}

/// Deadlines of the whole front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// How long open exchanges may go on after a stop was asked for.
    pub drain: Duration,
    /// How long a client may still send a request on an idle connection that is about to be closed.
    pub grace: Duration,
    /// How long answers and tunnels may go on whose upstream a reload has changed or removed, and exchanges of a
    /// process that was replaced.
    pub generation: Duration,
    /// How long a new process may take until it serves; else the old one stays.
    pub replace: Duration,
    /// How long the files and sockets of a start or a reload may take to open.
    pub open: Duration,
}

/// A match rule and what answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// One of these; none: every host.
    pub host: Vec<Host>,
    /// Its paths.
    pub path: Path,
    /// What else has to hold.
    pub when: When,
    /// What is asked of the clients of its host. TLS asks before there is a path: it holds for the whole host.
    pub client: Option<ClientAuth>,
    /// Which clients may ask.
    pub access: AccessRules,
    /// When the site is closed.
    pub maintenance: Option<Maintenance>,
    /// Only other routes, error pages and applications lead here.
    pub internal: bool,
    /// What answers.
    pub handler: Handler,
    /// Pages in place of errors.
    pub errors: Errors,
    /// What the application may ask for.
    pub accel: Accel,
    /// Limits of requests on this route.
    pub limits: Limits,
    /// The names of the limits that its requests share with those of other routes.
    pub shared_limits: Vec<String>,
    /// What is held back, and where.
    pub buffering: Buffering,
    /// What is changed of requests on their way to the application.
    pub onward: Onward,
    /// What is done to the fields of answers.
    pub headers: ResponseHeaders,
    /// What cookies of the application get.
    pub cookies: CookieAttributes,
    /// What pages of other origins may do.
    pub cors: Option<CorsRules>,
    /// Content codings of its answers; `None`: none of ours.
    pub compress: Option<Compression>,
    /// Fields of the application that clients get, though they are [private](super::private_fields).
    pub pass_headers: Vec<FieldName>,
    /// Let the application finish when the client leaves.
    pub ignore_client_abort: bool,
    /// Its own deadlines, in place of those of its listener and of its upstream.
    pub timeouts: RouteTimeouts,
    /// Whether connections go on after its answers.
    pub keep_alive: bool,
    /// What is logged of it, if not as `[log]` says.
    pub log: Option<RouteLog>,
    /// Requests that take so long are told in the slow log; zero: none. `None`: as `[log]` says.
    pub slow: Option<Duration>,
}

impl Route {
    /// The directory that it serves, if it does, and the links that are followed there.
    pub fn root(&self) -> Option<(&DocumentRoot, Symlinks)> {
        self.handler.root()
    }
}

/// Limits of requests on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body in bytes: 413 above.
    pub body: u64,
    /// Bytes a second that a client has to send of a body: 408 below. 0: any.
    pub upload_rate: u64,
    /// Bytes a second that a client has to take of an answer; its connection is cut below. 0: any.
    pub download_rate: u64,
    /// How long a client may lag behind these rates.
    pub rate_grace: Duration,
    /// Bytes a second of an answer that a client gets at most. 0: any.
    pub bandwidth: u64,
    /// Bytes of an answer that come before that counts.
    pub bandwidth_after: u64,
}

/// Deadlines of a route; `None`: as elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteTimeouts {
    /// See [`ClientTimeouts::body`].
    pub body: Option<Duration>,
    /// See [`ClientTimeouts::send`].
    pub send: Option<Duration>,
    /// See [`ClientTimeouts::tunnel`].
    pub tunnel: Option<Duration>,
    /// Those of its application.
    pub upstream: ExchangeTimeouts,
}

/// What is logged of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteLog {
    /// How, where that is not as `[log]` says.
    pub access: log::RouteLog,
    /// Paths whose requests have no line.
    pub except: Vec<Path>,
}

/// What is held back, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffering {
    /// Take the whole request body before a slot is taken. A body of unknown length is held all the same where the
    /// backend has to be told its length.
    pub request: bool,
    /// Take answers off their workers as fast as those write, and not at the pace of the client.
    pub response: bool,
    /// Bytes of a body, of either direction, held in memory; the rest goes to a file in `temp_dir`.
    pub memory: usize,
    /// Bytes of a body, of either direction, that may go to disk. Above: 507 for a request; an answer waits for its
    /// client.
    pub disk: u64,
}

impl Default for FrontendConfig {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            limits: Vec::new(),
            routes: Vec::new(),
            trust: Trust::default(),
            timeouts: Timeouts::default(),
            edge: Edge::default(),
            max_connections: Self::MAX_CONNECTIONS,
            secure_hosts: None,
        }
    }
}

impl Listener {
    /// A listener with the defaults of every setting.
    pub fn on(address: Address) -> Self {
        Self {
            address,
            backlog: FrontendConfig::BACKLOG,
            access: Access::default(),
            proxy_protocol: ProxyProtocol::default(),
            tls: None,
            name: None,
            edge: Edge::default(),
        }
    }
}

/// Everything, answered with nothing.
impl Default for Route {
    fn default() -> Self {
        Self {
            host: Vec::new(),
            path: Path::default(),
            when: When::default(),
            client: None,
            access: AccessRules::default(),
            maintenance: None,
            internal: false,
            handler: Handler::Respond(Respond::default()),
            errors: Errors::default(),
            accel: Accel::default(),
            limits: Limits::default(),
            shared_limits: Vec::new(),
            buffering: Buffering::default(),
            onward: Onward::default(),
            headers: ResponseHeaders::default(),
            cookies: CookieAttributes::default(),
            cors: None,
            compress: None,
            pass_headers: Vec::new(),
            ignore_client_abort: false,
            timeouts: RouteTimeouts::default(),
            keep_alive: true,
            log: None,
            slow: None,
        }
    }
}

impl Route {
    /// Its name in logs and metrics: hosts and path, as in the file.
    pub fn name(&self) -> String {
        let hosts: Vec<String> = self.host.iter().map(Host::to_text).collect();
        hosts.join(",") + &self.path.to_text()
    }

    /// The names of the routes that it leads to.
    pub fn leads_to(&self) -> impl Iterator<Item = &str> {
        let fallback = match self.handler.fallback() {
            Some(Fallback::Route(name)) => Some(name.as_str()),
            Some(Fallback::Target(_)) | None => None,
        };
        let send_file = self.accel.send_file.iter().map(|from| from.route.as_str());
        fallback.into_iter().chain(self.errors.names()).chain(send_file)
    }

    /// Its hosts that are names and not patterns.
    pub fn named_hosts(&self) -> impl Iterator<Item = &Host> {
        self.host.iter().filter(|host| host.pattern().is_none())
    }

    /// Its patterns.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let hosts = self.host.iter().filter_map(Host::pattern);
        hosts.chain(self.path.pattern()).chain(self.when.patterns())
    }
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            timeouts: ClientTimeouts::default(),
            head_size: FrontendConfig::HEAD_SIZE,
            head_fields: FrontendConfig::HEAD_FIELDS,
            discard: FrontendConfig::DISCARD,
            keep_alive: KeepAlive::default(),
            streams: Self::STREAMS,
        }
    }
}

impl Edge {
    /// Streams of a connection unless configured: nginx's number.
    pub const STREAMS: u32 = 128;
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            head: minute,
            body: minute,
            send: minute,
            linger: Duration::from_secs(30),
            h2_ping: minute,
            tunnel: Duration::from_secs(3600),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(30),
            grace: Duration::from_secs(1),
            generation: Duration::from_secs(600),
            replace: Duration::from_secs(30),
            open: Duration::from_secs(10),
        }
    }
}

/// Answers may be taken as slowly as the client likes: a film that is paused takes nothing for hours, and holds no
/// worker.
impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 * 1024 * 1024,
            upload_rate: Self::UPLOAD_RATE,
            download_rate: 0,
            rate_grace: Duration::from_secs(60),
            bandwidth: 0,
            bandwidth_after: 0,
        }
    }
}

impl Limits {
    /// Bytes a second of a body that is held back, unless configured: Apache's MinRate. A body that streams may
    /// consist of pauses.
    pub const UPLOAD_RATE: u64 = 500;

    /// The least rate of a body.
    pub fn upload(&self) -> Option<Rate> {
        self.rate(self.upload_rate)
    }

    /// The least rate of an answer.
    pub fn download(&self) -> Option<Rate> {
        self.rate(self.download_rate)
    }

    fn rate(&self, bytes: u64) -> Option<Rate> {
        let grace = self.rate_grace;
        NonZeroU64::new(bytes).map(|bytes| Rate { bytes, grace })
    }
}

impl Default for Buffering {
    fn default() -> Self {
        Self {
            request: true,
            response: true,
            memory: 64 * 1024,
            disk: 4 * 1024 * 1024 * 1024,
        }
    }
}

impl FrontendConfig {
    /// Request head unless configured, in bytes: nginx's default of 4 x 8 KiB.
    pub const HEAD_SIZE: usize = 32 * 1024;
    /// Request fields unless configured.
    pub const HEAD_FIELDS: usize = 100;
    /// Bytes of a request that are dropped unless configured.
    pub const DISCARD: u64 = 1024 * 1024;
    /// Pending connections unless configured.
    pub const BACKLOG: u32 = 1024;
    /// Client connections unless configured: some 200 MiB when all of them are idle.
    pub const MAX_CONNECTIONS: usize = 10_000;

    /// What is listened on, in the order of the file.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &Address> + Clone {
        self.listeners.iter().map(|listener| &listener.address)
    }

    /// What is asked of the clients of hosts of their own.
    pub fn host_clients(&self) -> Vec<HostClient> {
        let clients = self.routes.iter().flat_map(|route| {
            route.named_hosts().filter_map(|host| {
                Some(HostClient {
                    host: host.to_text(),
                    client: route.client.clone()?,
                })
            })
        });
        let mut hosts: Vec<HostClient> = Vec::new();
        for client in clients {
            if !hosts.iter().any(|known| known.host == client.host) {
                hosts.push(client);
            }
        }
        hosts
    }
}
