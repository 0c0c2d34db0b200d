//! The service of the configuration in force.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::service::Service;

/// What answers requests now. Each request takes it once and keeps it to its end, so that a reload changes nothing for
/// a request under way.
pub struct Current {
    service: ArcSwap<Service>,
    generation: AtomicU64,
}

impl Current {
    /// The first one.
    pub fn new(service: Arc<Service>) -> Self {
        Self {
            service: ArcSwap::new(service),
            generation: AtomicU64::new(0),
        }
    }

    /// The one for a request that begins.
    pub fn service(&self) -> Arc<Service> {
        self.service.load_full()
    }

    /// How often it was replaced: what keeps a part of it sees by that, for next to nothing, whether it is the latest.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// For requests from now on.
    pub fn replace(&self, service: Arc<Service>) {
        self.service.store(service);
        self.generation.fetch_add(1, Ordering::Release);
    }
}
