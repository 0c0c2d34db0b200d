//! One address of an upstream, with its counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::config::EndpointConfig;
use crate::transport::Address;

/// One address of an upstream.
#[derive(Debug)]
pub struct Endpoint {
    /// Where it is.
    pub address: Address,
    /// The address as it is logged.
    pub name: Arc<str>,
    /// Share of the requests relative to the others, at least 1.
    pub weight: u32,
    /// Used only while no other endpoint is usable.
    pub backup: bool,
    /// Exchanges under way; written under the pool's lock, read by balancers.
    in_flight: AtomicUsize,
    /// Exchanges begun since the start.
    served: AtomicU64,
    /// Connections opened since the start.
    connected: AtomicU64,
}

impl Endpoint {
    /// An endpoint nobody uses yet.
    pub fn new(config: &EndpointConfig) -> Self {
        Self {
            address: config.address.clone(),
            name: config.address.to_string().into(),
            weight: config.weight,
            backup: config.backup,
            in_flight: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            connected: AtomicU64::new(0),
        }
    }

    /// Exchanges under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Exchanges begun since the start.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Connections opened since the start.
    pub fn connected(&self) -> u64 {
        self.connected.load(Ordering::Relaxed)
    }

    pub(super) fn slot_taken(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    /// One exchange ended, another one began.
    pub(super) fn slot_handed_over(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn slot_freed(&self) {
        let before = self.in_flight.fetch_sub(1, Ordering::Relaxed);
        debug_assert!(before > 0, "a slot was freed twice");
    }

    pub(super) fn connection_opened(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }
}
