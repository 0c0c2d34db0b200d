//! The settings that a connection goes by at the moment.

use std::ops::Deref;
use std::sync::Arc;

use super::settings::Settings;
use crate::frontend::current::Current;

/// The settings that a connection goes by. They follow the configuration in force, so that a reload reaches connections
/// that are kept, too.
#[derive(Debug)]
pub(super) struct InForce {
    settings: Arc<Settings>,
    generation: u64,
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
