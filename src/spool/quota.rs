//! A common limit of bytes, on disk or in memory, handed out as guards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that all spools of a process may have together. Clones count together.
#[derive(Clone, Debug)]
pub struct Quota(Arc<Account>);

#[derive(Debug)]
struct Account {
    used: AtomicU64,
    limit: AtomicU64,
}

/// A part of a quota, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    quota: Quota,
    bytes: AtomicU64,
}

impl Quota {
    /// `limit` bytes, none of them taken.
    pub fn new(limit: u64) -> Self {
        Self(Arc::new(Account {
            used: AtomicU64::new(0),
            limit: AtomicU64::new(limit),
        }))
    }

    /// From now on. What is taken already stays.
    pub(super) fn limit(&self, limit: u64) {
        self.0.limit.store(limit, Ordering::Relaxed);
    }

    /// Bytes taken now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.used() >= self.0.limit.load(Ordering::Relaxed)
    }

    /// An empty share.
    pub(super) fn share(&self) -> Share {
        Share {
            quota: self.clone(),
            bytes: AtomicU64::new(0),
        }
    }
}

impl Share {
    /// Takes `more` bytes, all or nothing; whether they were left.
    #[must_use]
    pub(super) fn grow(&self, more: u64) -> bool {
        let account = &self.quota.0;
        let limit = account.limit.load(Ordering::Relaxed);
        let take = |used: u64| used.checked_add(more).filter(|used| *used <= limit);
        // Relaxed: a count, it orders no other memory.
        let taken = account
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok();
        if taken {
            self.bytes.fetch_add(more, Ordering::Relaxed);
        }
        taken
    }

    /// Takes or gives back until it is `bytes`, beyond the limit if need be: for what is there already, and can
    /// only be counted.
    pub fn set(&self, bytes: u64) {
        let before = self.bytes.swap(bytes, Ordering::Relaxed);
        let used = &self.quota.0.used;
        if before < bytes {
            used.fetch_add(bytes - before, Ordering::Relaxed);
        } else if bytes < before {
            used.fetch_sub(before - bytes, Ordering::Relaxed);
        }
    }

    /// Whether the whole quota is spent.
    pub fn is_spent(&self) -> bool {
        self.quota.is_spent()
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.quota
            .0
            .used
            .fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_takes_all_or_nothing() {
        let quota = Quota::new(10);
        let share = quota.share();
        assert!(share.grow(7));
        assert!(!share.grow(4));
        assert!(share.grow(3));
        assert!(!share.grow(u64::MAX));
        assert_eq!(quota.used(), 10);
    }

    #[test]
    fn what_is_there_is_counted_beyond_the_limit() {
        let quota = Quota::new(10);
        let share = quota.share();
        share.set(12);
        assert!(share.is_spent() && !quota.share().grow(1));
        share.set(3);
        assert!(!share.is_spent() && quota.used() == 3);
        drop(share);
        assert_eq!(quota.used(), 0);
    }

    #[test]
    fn a_dropped_share_leaves_room_for_others() {
        let quota = Quota::new(10);
        let (first, second) = (quota.share(), quota.share());
        assert!(first.grow(6));
        assert!(second.grow(4));
        drop(first);
        assert_eq!(quota.used(), 4);
        assert!(second.grow(6));
    }
}
