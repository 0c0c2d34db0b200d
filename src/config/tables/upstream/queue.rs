//! `[upstream.NAME] queue`.

use std::time::Duration;

use crate::config::table::table;
use crate::config::units::{DEADLINE, Number};
use crate::upstream::model::config::Queue as Settings;

table! {
    /// Where requests wait for a slot.
    pub(in crate::config) struct Queue for Settings {
        /// Requests that may wait at once; more get 503.
        size: usize as Number(0, 10_000_000),
        /// Longest wait of one request; 503 after it.
        timeout: Duration as DEADLINE,
    }
}
