//! `[app.NAME] limits`.

use crate::config::table::table;
use crate::config::units::{ANY_SIZE, Number};
use crate::process::ResourceLimits;

table! {
    /// What each process of the application may have at most; see setrlimit(2). Default: as the gateway.
    pub(in crate::config) struct AppLimits for ResourceLimits {
        /// Open files. Default: as the gateway.
        files: u32 as Number(16, 100_000_000),
        /// Address space. Default: as the gateway.
        memory: u64 as ANY_SIZE,
        /// A core dump. Default: as the gateway.
        core: u64 as ANY_SIZE,
    }
}
