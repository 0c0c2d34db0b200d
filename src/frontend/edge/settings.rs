//! What a connection needs of a configuration.

use std::time::Duration;

use crate::frontend::FrontendConfig;
use crate::frontend::config::Timeouts;

/// What a connection keeps of the configuration that was in force when it was accepted. Not all of it: a service holds
/// its upstreams.
#[derive(Debug)]
pub(in crate::frontend) struct Settings {
    pub(super) timeouts: Timeouts,
    pub(super) head_size: usize,
    pub(super) head_fields: usize,
    pub(super) discard: u64,
    /// Only where a route has a least rate for answers.
    pub(super) download_grace: Option<Duration>,
}

impl Settings {
    /// The part of a configuration.
    pub(in crate::frontend) fn of(config: &FrontendConfig) -> Self {
        Self {
            timeouts: config.timeouts,
            head_size: config.head_size,
            head_fields: config.head_fields,
            discard: config.discard,
            download_grace: config.download_grace(),
        }
    }
}
