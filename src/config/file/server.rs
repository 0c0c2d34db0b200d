//! `[server]`, `[log]` and `[[listen]]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Name, Number, Section};
use crate::config::units::{Period, Size};
use crate::telemetry::config::Format;
use crate::transport::resolve::Family;

/// The process and its clients.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Runtime threads. Default: the cores that the process may use.
    pub workers: Option<Number<1, 1024>>,
    /// Absolute directory for bodies that do not fit into memory. Default: "/var/tmp".
    pub temp_dir: Option<At<String>>,
    /// What bodies together may take of memory and of the disk.
    pub spool: Section<ServerSpool>,
    /// Absolute path of a file that holds the process id once every listener is open.
    pub pid_file: Option<At<String>>,
    /// User to become, by name or number, once listeners and logs are open. Default: the one it was started as.
    pub user: Option<At<String>>,
    /// Group to become, by name or number. Default: the user's.
    pub group: Option<At<String>>,
    /// Client connections at a time; more wait in the kernel until others leave. Default: 10000.
    pub max_connections: Option<Number<1, 1_000_000>>,
    /// Networks of proxies whose `X-Forwarded-*` fields are believed.
    pub trusted_proxies: Vec<At<String>>,
    /// How the DNS is asked about endpoints that begin with `dns:` or `dns+srv:`.
    pub resolver: Section<Resolver>,
    /// Deadlines of the client side.
    pub timeouts: Section<ServerTimeouts>,
    /// Largest request head. Default: "32KiB".
    pub head_size: Option<At<Size>>,
    /// Most fields in a request head. Default: 100.
    pub head_fields: Option<Number<1, 10_000>>,
    /// Bytes of a request body that nothing wants, read and dropped so that the connection lives on. Default: "1MiB".
    pub discard: Option<At<Size>>,
}

/// How the DNS is asked about endpoints that begin with `dns:` or `dns+srv:`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resolver {
    /// Addresses of name servers; the port may be left out. Default: those of /etc/resolv.conf.
    pub nameservers: Option<At<Vec<At<String>>>>,
    /// Until there is an answer, repeated questions included. Default: "5s".
    pub timeout: Option<At<Period>>,
    /// Which addresses of a host count: "prefer_ipv4", "prefer_ipv6", "ipv4", "ipv6" or "both". Default: "prefer_ipv4".
    pub family: Option<Name<Family>>,
    /// No answer is taken for older sooner. Default: "1s".
    pub min_ttl: Option<At<Period>>,
    /// No answer is relied on for longer. Default: "10s".
    pub max_ttl: Option<At<Period>>,
    /// How long endpoints stay when the DNS says that there are none any more. Default: "30s".
    pub keep: Option<At<Period>>,
}

/// What bodies together may take of memory and of the disk.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSpool {
    /// Memory for all bodies that wait, in both directions, in streams of HTTP/2, too; above it each is left with one
    /// chunk, and goes to disk at once. Default: "256MiB".
    pub memory: Option<At<Size>>,
    /// Disk for all bodies in both directions. Above it a request is refused, an answer waits for its client.
    /// Default: "8GiB".
    pub disk: Option<At<Size>>,
}

/// Deadlines of the client side.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerTimeouts {
    /// Without a request on a connection, before its first one and between two. Default: "75s".
    pub idle: Option<At<Period>>,
    /// From the first byte of a request head to its end. Also how long a client that closed its sending side still
    /// gets its answer. Default: "1m".
    pub head: Option<At<Period>>,
    /// Between two reads of a request body. Default: "1m".
    pub body: Option<At<Period>>,
    /// Between two successful writes to the client. Default: "1m".
    pub send: Option<At<Period>>,
    /// How long a connection that was ended by us is read from, so that the client gets its answer. Default: "30s".
    pub linger: Option<At<Period>>,
    /// Between two PINGs to an HTTP/2 client, and for its answer to one. Default: "1m".
    pub h2_ping: Option<At<Period>>,
    /// How long nothing may move in either direction of a tunnel (WebSocket). Default: "1h".
    pub tunnel: Option<At<Period>>,
    /// How long open requests may go on after a stop was asked for. Default: "30s".
    pub drain: Option<At<Period>>,
    /// How long a client may still send a request on an idle connection that is about to be closed. Default: "1s".
    pub grace: Option<At<Period>>,
    /// How long answers and tunnels may go on whose upstream a reload has changed or removed, and everything in a
    /// process that was replaced. Default: "10m".
    pub generation: Option<At<Period>>,
    /// How long the new process of a replacement may take until it serves; else the old one stays. Default: "30s".
    pub replace: Option<At<Period>>,
    /// How long logs, listeners and directories may take to open, at a start and at a reload. Default: "10s".
    pub open: Option<At<Period>>,
}

/// Logs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Access log: "stdout", "stderr", "off" or an absolute path. Default: "stdout".
    pub access: Option<At<String>>,
    /// Shape of its lines. Default: "combined".
    pub access_format: Option<Name<Format>>,
    /// Error log: "stderr", "stdout", "off" or an absolute path. Default: "stderr".
    pub error: Option<At<String>>,
    /// Lowest level of the error log. Default: "info".
    #[schemars(with = "Option<Name<tracing::Level>>")]
    pub level: Option<Name<tracing::Level>>,
}

/// An address to accept connections on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// `127.0.0.1:8080`, `[::]:80` or `unix:/run/bridgehead.sock`.
    pub address: Option<At<String>>,
    /// Pending connections that the kernel holds. Default: 1024.
    pub backlog: Option<Number<1, 65_535>>,
    /// User that owns the file of a unix socket, by name or number. Default: the one it was started as.
    pub owner: Option<At<String>>,
    /// Group of the file of a unix socket, by name or number. Default: the one it was started as.
    pub group: Option<At<String>>,
    /// Permissions of the file of a unix socket, e.g. "0660": who may write may connect. Default: what the umask says.
    pub mode: Option<At<String>>,
}
