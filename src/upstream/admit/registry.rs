//! The addresses in use, and the pools that use them.
//!
//! A slot is the right to use a worker, and a worker knows nothing of upstreams and of generations of a configuration:
//! two pools with endpoints at one address count together. The registry outlives configurations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::Instant;

use crate::transport::Address;
use crate::upstream::model::{Occupancy, Offer};

/// The addresses in use. An address is known as long as a pool has an endpoint there, or an exchange of one is under
/// way.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<Address, Entry>>);

/// A pool that may have to do something when another pool has taken or freed a worker.
pub(super) trait Neighbour: Send + Sync {
    /// When the first of its requests began to wait.
    fn waits_since(&self) -> Option<Instant>;

    /// Closes the idle connections that have no room any more.
    fn make_room(&self);

    /// Gives a slot that is free, or on offer, to the first of its requests that may have it; whether there is one.
    fn serve_next(self: Arc<Self>) -> bool;
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

    /// Whether a pool has an endpoint at an address, or an exchange of one is under way there.
    pub fn is_used(&self, address: &Address) -> bool {
        let entries = self.lock();
        let entry = entries.get(address);
        entry.is_some_and(|entry| entry.occupancy.strong_count() > 0)
    }

    /// Makes room for the connection of an exchange that has got a slot at an address, whichever pool keeps others there.
    /// The exchange connects when that is done. Not to be called under the lock of a pool.
    pub(super) fn make_room(&self, address: &Address) {
        for pool in self.pools(address) {
            pool.make_room();
        }
    }

    /// Offers a slot that was freed at an address to the requests that wait there, the one that waits longest first,
    /// whichever pool it waits in. Not to be called under the lock of a pool.
    pub(super) fn settle(&self, address: &Address, offer: Offer) {
        let pools = self.pools(address);
        serve(&pools);
        drop(offer);
        // A request that came meanwhile has left the offer to the others.
        serve(&pools);
    }

    /// The pools at an address.
    fn pools(&self, address: &Address) -> Vec<Arc<dyn Neighbour>> {
        let entries = self.lock();
        let pools = entries.get(address).map(|entry| entry.pools.iter());
        pools.into_iter().flatten().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives slots, one after the other, each to the request that waits longest of those that may have it.
fn serve(pools: &[Arc<dyn Neighbour>]) {
    loop {
        let mut waiting: Vec<_> = pools
            .iter()
            .filter_map(|pool| Some((pool.waits_since()?, pool)))
            .collect();
        waiting.sort_by_key(|(since, _)| *since);
        if !waiting.into_iter().any(|(_, pool)| pool.clone().serve_next()) {
            return;
        }
    }
}

#[cfg(test)]
mod crowd;

#[cfg(test)]
mod simulation;
