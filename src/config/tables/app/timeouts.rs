//! `[app.NAME] timeouts`.

use std::time::Duration;

use crate::config::table::table;
use crate::config::units::DEADLINE;
use crate::process::AppTimeouts as Settings;

table! {
    /// How long the steps of an application's life may take.
    pub(in crate::config) struct AppTimeouts for Settings {
        /// From the start of its process until it is ready, and again until it is warm.
        start: Duration as DEADLINE,
        /// For the requests of a generation that was replaced; tunnels are cut after it.
        drain: Duration as DEADLINE,
        /// From the signal to end until it is killed.
        stop: Duration as DEADLINE,
    }
}
