//! What a connection needs of a configuration.

use std::ops::Deref;
use std::sync::Arc;

use crate::frontend::FrontendConfig;
use crate::frontend::config::Timeouts;
use crate::frontend::current::Current;
use crate::protocol::http1::Limits;

/// What a connection keeps of a configuration. Not all of it: a service holds its upstreams.
#[derive(Debug)]
pub(in crate::frontend) struct Settings {
    pub(super) timeouts: Timeouts,
    pub(super) head_size: usize,
    pub(super) head_fields: usize,
    pub(super) discard: u64,
}

/// The settings that a connection goes by. They follow the configuration in force, so that a reload reaches connections
/// that are kept, too.
#[derive(Debug)]
pub(super) struct InForce {
    settings: Arc<Settings>,
    generation: u64,
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

impl InForce {
    /// Those of now.
    pub(super) fn new(current: &Current) -> Self {
        // In this order: what is replaced in between is seen at the next look.
        let generation = current.generation();
        Self {
            settings: current.service().edge.clone(),
            generation,
        }
    }

    /// Goes by those of now; whether they are others.
    #[inline]
    pub(super) fn renew(&mut self, current: &Current) -> bool {
        let is_outdated = current.generation() != self.generation;
        if is_outdated {
            *self = Self::new(current);
        }
        is_outdated
    }
}

impl Deref for InForce {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}
