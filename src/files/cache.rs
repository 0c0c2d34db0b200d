//! Small files, in memory: what is asked for often costs no call of the file system.
//!
//! A file that is kept is looked at again once a second at most, by the request that finds it due; it is read again when
//! it is another one then, or was so young when it was read that its times tell nothing. What is asked for least makes
//! room when the memory is used up.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::kept::Kept;

/// Largest file that is kept: a larger one is cheaper to copy from the page cache by the kernel.
pub(super) const LARGEST: u64 = 64 * 1024;

/// Parts with a lock of their own, at most.
const SHARDS: usize = 16;

/// Bytes of a part, at least, unless there is one alone: room for the largest files.
const SHARD: usize = 4 * LARGEST as usize;

/// Spreads numbers over all bits: 2^64 by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The small files of several directories.
#[derive(Debug)]
pub struct Cache {
    shards: Box<[Mutex<Shard>]>,
    /// Bytes of one shard.
    limit: usize,
    directories: AtomicU64,
}

/// What there is of a file.
#[derive(Debug)]
pub(super) enum Found {
    /// As it was a moment ago.
    Fresh(Arc<Kept>),
    /// To be compared with what is on the disk, by the caller alone.
    Due(Arc<Kept>),
    /// Nothing.
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    directory: u64,
    path: Bytes,
}

#[derive(Debug, Default)]
struct Shard {
    kept: HashMap<Key, Arc<Kept>>,
    /// The keys of `kept`, in the order in which they make room.
    order: VecDeque<Key>,
    /// Bytes.
    size: usize,
}

impl Cache {
    /// One that takes so many bytes of memory, at most.
    pub fn new(limit: usize) -> Self {
        let shards = (limit / SHARD).clamp(1, SHARDS);
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            limit: limit / shards,
            directories: AtomicU64::new(0),
        }
    }

    /// A number for a directory, by which its files are kept.
    pub(super) fn directory(&self) -> u64 {
        self.directories.fetch_add(1, Ordering::Relaxed)
    }

    /// What there is of the file at `path` below a directory; `now` is the time since that was opened.
    pub(super) fn find(&self, directory: u64, path: &Bytes, now: Duration) -> Found {
        let key = Key {
            directory,
            path: path.clone(),
        };
        let Some(kept) = self.shard(&key).find(&key) else {
            return Found::Nothing;
        };
        match kept.is_due(now) {
            true => Found::Due(kept),
            false => Found::Fresh(kept),
        }
    }

    /// Keeps a file that was read.
    pub(super) fn keep(&self, directory: u64, path: &Bytes, kept: &Arc<Kept>) {
        // What comes with a request is a part of a larger buffer.
        let path = Bytes::copy_from_slice(path);
        let key = Key { directory, path };
        if cost(&key, kept) <= self.limit {
            self.shard(&key).put(key, kept.clone(), self.limit);
        }
    }

    /// Forgets what is no longer there.
    pub(super) fn forget(&self, directory: u64, path: &Bytes) {
        let key = Key {
            directory,
            path: path.clone(),
        };
        self.shard(&key).remove(&key);
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        // Which one is of no consequence, as long as neighbours are in several.
        let last = key.path.iter().rev().take(8);
        let mixed = last.fold(key.directory, |mixed, byte| {
            mixed.rotate_left(5) ^ u64::from(*byte)
        });
        let place = (mixed.wrapping_mul(SPREAD) >> 32) as usize % self.shards.len();
        let shard = &self.shards[place];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn find(&self, key: &Key) -> Option<Arc<Kept>> {
        let kept = self.kept.get(key)?;
        kept.mark();
        Some(kept.clone())
    }

    fn put(&mut self, key: Key, kept: Arc<Kept>, limit: usize) {
        self.size += cost(&key, &kept);
        match self.kept.insert(key.clone(), kept) {
            Some(before) => self.size -= cost(&key, &before),
            None => self.order.push_back(key),
        }
        while self.size > limit && self.make_room() {}
    }

    /// The oldest makes room, unless it was asked for meanwhile: then it is the newest.
    fn make_room(&mut self) -> bool {
        let Some(key) = self.order.pop_front() else {
            return false;
        };
        match self.kept.get(&key) {
            Some(kept) if kept.take_mark() => self.order.push_back(key),
            Some(kept) => {
                self.size -= cost(&key, kept);
                self.kept.remove(&key);
            }
            None => {}
        }
        true
    }

    fn remove(&mut self, key: &Key) {
        if let Some(kept) = self.kept.remove(key) {
            self.size -= cost(key, &kept);
            self.order.retain(|other| other != key);
        }
    }
}

/// Bytes of memory that a file takes.
fn cost(key: &Key, kept: &Kept) -> usize {
    key.path.len() + kept.cost()
}

#[cfg(test)]
mod tests {
    use super::super::version::Version;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn version() -> Version {
        Version::of(&rustix::fs::fstat(tempfile::tempfile().unwrap()).unwrap())
    }

    fn file(length: usize) -> Arc<Kept> {
        let bytes = vec![b'x'; length].into();
        Arc::new(Kept::new(bytes, version(), true, Duration::ZERO))
    }

    fn path(path: &str) -> Bytes {
        Bytes::copy_from_slice(path.as_bytes())
    }

    fn is_kept(cache: &Cache, directory: u64, name: &str) -> bool {
        !matches!(cache.find(directory, &path(name), Duration::ZERO), Found::Nothing)
    }

    fn size(cache: &Cache) -> usize {
        let sizes = cache.shards.iter().map(|shard| shard.lock().unwrap().size);
        sizes.sum()
    }

    #[test]
    fn a_file_is_found_under_its_directory_and_its_path() {
        let cache = Cache::new(1 << 20);
        let (one, other) = (cache.directory(), cache.directory());
        cache.keep(one, &path("a"), &file(3));
        assert!(is_kept(&cache, one, "a"));
        assert!(!is_kept(&cache, one, "b"));
        assert!(!is_kept(&cache, other, "a"));
        cache.forget(one, &path("a"));
        assert!(!is_kept(&cache, one, "a"));
        assert_eq!(size(&cache), 0);
    }

    #[test]
    fn one_request_in_a_second_looks_at_the_disk() {
        let cache = Cache::new(1 << 20);
        cache.keep(0, &path("a"), &file(3));
        let find = |now| cache.find(0, &path("a"), now);
        assert!(matches!(find(SECOND - Duration::from_millis(1)), Found::Fresh(_)));
        assert!(matches!(find(SECOND), Found::Due(_)));
        assert!(matches!(find(SECOND), Found::Fresh(_)));
        assert!(matches!(find(2 * SECOND), Found::Due(_)));
    }

    #[test]
    fn the_memory_has_a_limit_and_what_is_asked_for_stays() {
        let limit = 2 << 20;
        let cache = Cache::new(limit);
        cache.keep(0, &path("hot"), &file(1000));
        for number in 0..5000 {
            assert!(is_kept(&cache, 0, "hot"), "{number}");
            cache.keep(0, &path(&format!("cold/{number}")), &file(1000));
            assert!(size(&cache) <= limit);
        }
        let kept = (0..5000).filter(|number| is_kept(&cache, 0, &format!("cold/{number}")));
        assert!((700..1100).contains(&kept.count()));
    }

    #[test]
    fn a_file_that_does_not_fit_is_not_kept() {
        let cache = Cache::new(4000);
        cache.keep(0, &path("large"), &file(4000));
        assert!(!is_kept(&cache, 0, "large"));
        let nothing = Cache::new(0);
        nothing.keep(0, &path("a"), &file(0));
        assert!(!is_kept(&nothing, 0, "a"));
    }

    #[test]
    fn a_file_in_the_place_of_another_one_counts_once() {
        let cache = Cache::new(1 << 20);
        for _ in 0..3 {
            cache.keep(0, &path("a"), &file(1000));
        }
        assert_eq!(size(&cache), 1 + file(1000).cost());
        for _ in 0..3 {
            cache.forget(0, &path("a"));
            cache.keep(0, &path("a"), &file(10));
        }
        let orders = cache.shards.iter().map(|shard| shard.lock().unwrap().order.len());
        assert_eq!(orders.sum::<usize>(), 1);
    }
}
