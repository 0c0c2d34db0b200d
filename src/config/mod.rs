//! File text to checked settings.

use std::path::PathBuf;

/// Everything that one configuration file says, checked, defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The process itself.
    pub server: Server,
    /// Logs.
    pub log: crate::telemetry::Config,
    /// The HTTP side.
    pub frontend: crate::frontend::Config,
    /// The upstreams, in the order of their names; handlers refer to them by index.
    pub upstreams: Vec<crate::upstream::Config>,
}

/// The `[server]` table, as far as it concerns the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Runtime threads.
    pub workers: usize,
    /// Where spools go to.
    pub temp_dir: PathBuf,
    /// Written once every listener is open.
    pub pid_file: Option<PathBuf>,
}
