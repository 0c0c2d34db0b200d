//! The whole gateway from outside: the built program, real sockets, and a backend that follows a script.

mod faults;
mod hostile;
mod http;

use std::path::Path;

use testbed::Gateway;

/// The gateway with this configuration, see [`Gateway::start`].
fn start(config: &str) -> Gateway {
    Gateway::start(Path::new(env!("CARGO_BIN_EXE_bridgehead")), config).expect("the gateway starts")
}
