//! The service of the configuration in force.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::service::Service;

/// What answers requests now. Each request takes it once and keeps it to its end, so that a reload changes nothing for
/// a request under way.
pub struct Current(ArcSwap<Service>);

impl Current {
    /// The first one.
    pub fn new(service: Arc<Service>) -> Self {
        Self(ArcSwap::new(service))
    }

    /// The one for a request that begins.
    pub fn service(&self) -> Arc<Service> {
        self.0.load_full()
    }

    /// For requests from now on.
    pub fn replace(&self, service: Arc<Service>) {
        self.0.store(service);
    }
}
