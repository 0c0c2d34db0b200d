//! `keep_alive` of `[server]` and of a `[[listen]]`.

use std::time::Duration;

use crate::config::table::table;
use crate::config::units::{Number, Time};
use crate::frontend::config::KeepAlive as Settings;

table! {
    /// How long connections of clients go on. How long they may be idle is one of the `timeouts`.
    pub(in crate::config) struct KeepAlive for Settings {
        /// Requests on a connection, after which it ends; 0: any number.
        requests: usize as Number(0, 1_000_000_000),
        /// How long a connection goes on from its first byte; it ends with the next answer after that. `"0s"`: for ever.
        lifetime: Duration as Time,
    }
}
