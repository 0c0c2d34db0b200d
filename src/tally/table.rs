//! The states of so many keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::key::{KeyHash, Secret};
use super::shard::{Evicted, Shard};
use super::state::State;

/// States by their keys: at most so many, in parts that threads use at the same time.
pub struct Table<S> {
    secret: Secret,
    shards: Box<[Mutex<Shard<S>>]>,
    /// Keys that had to go though their states said something.
    lost: AtomicU64,
}

/// Parts of a table: more than threads, mostly, that use one at the same time.
const SHARDS: usize = 32;

/// Keys of a part. With fewer, some would be full long before others.
const KEYS_OF_SHARD: usize = 1024;

impl<S: State> Table<S> {
    /// At most `keys` of them, as far as the parts can be of the same size.
    pub fn new(keys: usize) -> Self {
        let shards = (keys / KEYS_OF_SHARD).clamp(1, SHARDS);
        // A power of two, so that bits of the hash choose one.
        let shards = 1 << shards.ilog2();
        let most = u32::try_from(keys.div_ceil(shards)).unwrap_or(u32::MAX);
        Self {
            secret: Secret::default(),
            shards: (0..shards).map(|_| Mutex::new(Shard::new(most))).collect(),
            lost: AtomicU64::new(0),
        }
    }

    /// What makes keys of it.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Uses the state of a key, which is new if it was not there; `None`: there is no room, since others are held.
    pub fn with<R>(&self, key: KeyHash, now: u64, use_it: impl FnOnce(&mut S) -> R) -> Option<R> {
        let mut shard = self.shard(key);
        if let Some(state) = shard.find(key) {
            return Some(use_it(state));
        }
        let (state, evicted) = shard.insert(key, now)?;
        if evicted == Evicted::Live {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Some(use_it(state))
    }

    /// Uses the state of a key that is there still.
    pub fn with_known<R>(&self, key: KeyHash, use_it: impl FnOnce(&mut S) -> R) -> Option<R> {
        self.shard(key).find(key).map(use_it)
    }

    /// Keys that are there, idle ones among them.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the keys take.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).bytes()).sum()
    }

    /// Keys that had to go though their states said something: there are too many for the table.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn shard(&self, key: KeyHash) -> MutexGuard<'_, Shard<S>> {
        // The chains use the lower bits.
        let number = (key.place >> 32) as usize & (self.shards.len() - 1);
        locked(&self.shards[number])
    }
}

/// A panic leaves no state half changed that would matter.
fn locked<S>(shard: &Mutex<Shard<S>>) -> MutexGuard<'_, Shard<S>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> std::fmt::Debug for Table<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Even(u64);

    impl State for Even {
        fn is_idle(&self, now: u64) -> bool {
            self.0 <= now
        }
    }

    #[test]
    fn a_key_has_its_own_state() {
        let table: Table<Even> = Table::new(100);
        let keys = [b"a", b"b"].map(|key| table.secret().hash(key));
        for (key, even) in keys.into_iter().zip([1, 2]) {
            table.with(key, 0, |state| state.0 = even);
        }
        let found = keys.map(|key| table.with_known(key, |state| state.0));
        assert_eq!(found, [Some(1), Some(2)]);
        let other = table.secret().hash(b"c");
        assert!(table.with_known(other, |_| ()).is_none() && table.len() == 2);
    }

    /// What an attacker with any number of addresses can have: memory and steps are those of the table, whatever comes.
    #[test]
    fn a_million_keys_take_what_the_table_has_room_for() {
        let table: Table<Even> = Table::new(100_000);
        for number in 0..1_000_000_u32 {
            let key = table.secret().hash(&number.to_le_bytes());
            table.with(key, 0, |state| state.0 = 1);
        }
        assert!((95_000..=100_100).contains(&table.len()), "{}", table.len());
        assert!(
            table.bytes() <= 64 * 100_000 * 2,
            "{} bytes for a key",
            table.bytes() / table.len()
        );
        assert_eq!(table.lost(), 1_000_000 - table.len() as u64);
    }

    #[test]
    fn a_key_in_use_outlives_those_that_come_once() {
        let table: Table<Even> = Table::new(5000);
        let used = table.secret().hash(b"used");
        for number in 0..100_000_u32 {
            let key = table.secret().hash(&number.to_le_bytes());
            table.with(key, 0, |_| ());
            if number % 100 == 0 {
                table.with(used, 0, |state| state.0 += 1);
            }
        }
        assert_eq!(table.with_known(used, |state| state.0), Some(1000));
        assert_eq!(table.lost(), 0);
    }

    #[test]
    fn an_empty_table_takes_no_memory() {
        let table: Table<Even> = Table::new(1_000_000);
        assert!(table.bytes() == 0 && table.is_empty());
    }
}
