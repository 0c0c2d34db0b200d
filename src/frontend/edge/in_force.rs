//! The settings that a connection goes by at the moment.

use std::ops::Deref;
use std::sync::Arc;

use super::settings::Settings;
use crate::frontend::current::Current;
use crate::frontend::listener_id::ListenerId;

/// The settings that a connection goes by. They follow the configuration in force, so that a reload reaches connections
/// that are kept, too.
#[derive(Debug)]
pub(super) struct InForce {
    settings: Arc<Settings>,
    generation: u64,
}

impl InForce {
    /// Those of now, for connections of a listener.
    pub(super) fn new(current: &Current, listener: Option<&Arc<ListenerId>>) -> Self {
        // In this order: what is replaced in between is seen at the next look.
        let generation = current.generation();
        Self {
            settings: current.service().edge_of(listener).clone(),
            generation,
        }
    }

    /// Goes by those of now; whether they are others.
    #[inline]
    pub(super) fn renew(&mut self, current: &Current) -> bool {
        let is_outdated = current.generation() != self.generation;
        if is_outdated {
            *self = Self::new(current, self.settings.listener());
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
