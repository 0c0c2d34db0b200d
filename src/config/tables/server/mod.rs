//! `[server]`.

mod client_ip;
mod resolver;
mod spool;
mod timeouts;

use std::path::PathBuf;

use client_ip::ClientIp;
use resolver::Resolver;
use spool::ServerSpool;
use timeouts::ServerTimeouts;

use super::account::{GROUP, USER};
use super::trusted_proxy::TRUSTED_PROXY;
use super::{HEAD, HEAD_FIELDS};
use crate::config::Server as Process;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{Section, table};
use crate::config::units::{ANY_SIZE, Absolute, List, Name, Named, Number};
use crate::frontend::FrontendConfig;
use crate::frontend::trust::TrustedProxy;
use crate::protocol::params::Underscores;

/// What the table speaks of: the process, and the front end without its listeners and routes.
#[derive(Default)]
pub(in crate::config) struct Settings {
    pub(in crate::config) process: Process,
    pub(in crate::config) frontend: FrontendConfig,
}

table! {
    /// The process and its clients.
    pub(in crate::config) struct Server for Settings {
        /// Runtime threads. Default: the cores that the process may use.
        workers: usize as Number(1, 1024) => process.workers,
        /// Directory for bodies that do not fit into memory.
        temp_dir: PathBuf as Absolute("the temporary directory") => process.spool.temp_dir,
        spool: ServerSpool as Section => process.spool,
        /// Memory for files of up to 64 KiB that are asked for again and again, so that the disk is not. What changes on
        /// the disk is seen within a second. `0`: none are kept.
        file_cache: usize as ANY_SIZE => process.file_cache,
        /// File that holds the process id once every listener is open. Default: no file.
        pid_file: PathBuf as Absolute("the pid file") => process.pid_file,
        /// User to become, by name or number, once listeners and logs are open. Default: the one it was started as.
        user: String as USER => process.user,
        /// Group to become, by name or number. Default: the user's.
        group: String as GROUP => process.group,
        /// Client connections at a time; more wait in the kernel until others leave.
        max_connections: usize as Number(1, 1_000_000) => frontend.max_connections,
        /// Proxies that are believed about clients, in `X-Forwarded-*` and `Forwarded`: networks, and `"unix"` for all on unix
        /// sockets. See [requests.md](requests.md#what-a-proxy-in-front-says).
        trusted_proxies: Vec<TrustedProxy> as List(TRUSTED_PROXY) => frontend.trust.proxies,
        client_ip: ClientIp as Section => frontend.trust.client_ip,
        /// What becomes of fields of clients whose names have an underscore, which applications cannot tell from the same with
        /// a hyphen: `"drop"`; `"refuse"` the request with 400; or `"pass"` them, unless with hyphens they would be well-known
        /// or the gateway's own, such as `X_Forwarded_For`.
        underscores: Underscores as Name => frontend.trust.underscores,
        resolver: Resolver as Section => process.resolver,
        timeouts: ServerTimeouts as Section => frontend.timeouts,
        /// Largest request head; 431 above.
        head_size: usize as HEAD => frontend.head_size,
        /// Most fields in a request head; 431 above.
        head_fields: usize as HEAD_FIELDS => frontend.head_fields,
        /// Bytes of a request body that nothing wants, read and dropped so that the connection lives on; above, it ends.
        discard: u64 as ANY_SIZE => frontend.discard,
    }
    example = r#"[server]
pid_file = "/run/bridgehead.pid"
trusted_proxies = ["10.0.0.0/8"]
timeouts = { head = "15s", drain = "1m" }
"#;
}

/// What the table comes to.
pub(super) fn check(typed: Option<&At<Server>>, complaints: &mut Complaints) -> Settings {
    let mut settings = Settings::default();
    if let Some(typed) = typed {
        typed.apply_to(&mut settings);
        if let Some(typed) = &typed.resolver {
            resolver::check(typed, &settings.process.resolver, complaints);
        }
        if let Some(typed) = &typed.client_ip {
            client_ip::check(typed, &settings.frontend.trust, complaints);
        }
    }
    settings
}

impl Named for Underscores {
    const KIND: &'static str = "word about underscores";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("drop", Self::Drop),
        ("refuse", Self::Refuse),
        ("pass", Self::Pass),
    ];
}
