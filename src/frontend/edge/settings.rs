//! What a connection needs of a configuration.

use crate::frontend::FrontendConfig;
use crate::frontend::config::Timeouts;
use crate::protocol::http1::Limits;

/// What a connection keeps of a configuration. Not all of it: a service holds its upstreams.
#[derive(Debug)]
pub(in crate::frontend) struct Settings {
    pub(super) timeouts: Timeouts,
    pub(super) head_size: usize,
    pub(super) head_fields: usize,
    pub(super) discard: u64,
}

impl Settings {
    /// The part of a configuration.
    pub(in crate::frontend) fn of(config: &FrontendConfig) -> Self {
        Self {
            timeouts: config.timeouts,
            head_size: config.head_size,
            head_fields: config.head_fields,
            discard: config.discard,
        }
    }

    /// Of request heads.
    pub(super) fn head(&self) -> Limits {
        Limits {
            size: self.head_size,
            fields: self.head_fields,
        }
    }
}
