//! The whole gateway from outside: the built program, real sockets, and a backend that follows a script.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[cfg(feature = "tls")]
mod acme;
mod balancing;
mod deadlines;
mod echo;
mod faults;
mod hostile;
mod http;
mod http_backend;
mod lifecycle;
mod marks;
mod pool;
mod promises;
#[cfg(feature = "tls")]
mod real_acme;
#[cfg(feature = "tls")]
mod real_browser;
mod real_children;
mod real_dns;
mod real_fields;
mod real_files;
mod real_git;
mod real_h2;
mod real_health;
mod real_large;
mod real_matrix;
mod real_php;
mod real_pools;
mod real_probe;
mod real_proxy_protocol;
mod real_slow;
mod real_status;
#[cfg(feature = "tls")]
mod real_tls;
mod sites;
mod slow;
mod spoken;
#[cfg(feature = "tls")]
mod tls;

use testbed::Gateway;

/// The gateway with this configuration, see [`Gateway::start`].
fn start(config: &str) -> Gateway {
    Gateway::start(&testbed::built("bridgehead"), config).expect("the gateway starts")
}
