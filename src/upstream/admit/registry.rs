//! The addresses in use, and the pools that use them.
//!
//! A slot is the right to use a worker, and a worker knows nothing of upstreams and of generations of a configuration:
//! two pools with endpoints at one address count together. The registry outlives configurations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::Instant;

use crate::transport::Address;
use crate::upstream::model::Occupancy;

/// The addresses in use. An address is known as long as a pool has an endpoint there, or an exchange of one is under
/// way.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<Address, Entry>>);

/// A pool that may have to do something when another pool has taken or freed a worker.
pub(super) trait Neighbour: Send + Sync {
    /// When the first of its requests began to wait.
    fn waits_since(&self) -> Option<Instant>;

    /// Closes the idle connections that have no room any more, and gives the slots that are free.
    fn settle(self: Arc<Self>);
}

#[derive(Debug)]
struct Entry {
    occupancy: Weak<Occupancy>,
    pools: Vec<Weak<dyn Neighbour>>,
}

impl std::fmt::Debug for dyn Neighbour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Neighbour")
    }
}

impl Registry {
    /// The occupancy of an address, in which the pool takes part from now on.
    pub(super) fn join(&self, address: &Address, pool: Weak<dyn Neighbour>) -> Arc<Occupancy> {
        let mut entries = self.lock();
        entries.retain(|_, entry| entry.occupancy.strong_count() > 0);
        let entry = entries.entry(address.clone()).or_insert_with(|| Entry {
            occupancy: Weak::new(),
            pools: Vec::new(),
        });
        let occupancy = entry.occupancy.upgrade().unwrap_or_default();
        entry.occupancy = Arc::downgrade(&occupancy);
        entry
            .pools
            .retain(|known| known.strong_count() > 0 && !known.ptr_eq(&pool));
        entry.pools.push(pool);
        if entry.pools.len() > 1 {
            occupancy.share();
        }
        occupancy
    }

    /// Tells the other pools at an address that a worker was taken or freed, the one whose requests wait longest first.
    /// Not to be called under the lock of a pool.
    pub(super) fn settle(&self, address: &Address) {
        let mut pools: Vec<_> = match self.lock().get(address) {
            Some(entry) => entry.pools.iter().filter_map(Weak::upgrade).collect(),
            None => return,
        };
        // `None`, no request waits, comes last.
        pools.sort_by_key(|pool| {
            let since = pool.waits_since();
            (since.is_none(), since)
        });
        for pool in pools {
            pool.settle();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod crowd;

#[cfg(test)]
mod simulation;
