//! A common limit of bytes on disk, handed out as guards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes on disk that all spools of a process may have together. Clones count together.
#[derive(Clone, Debug)]
pub struct Quota {
    used: Arc<AtomicU64>,
    limit: u64,
}

/// A part of a quota, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    quota: Quota,
    bytes: AtomicU64,
}

impl Quota {
    /// `limit` bytes, none of them taken.
    pub fn new(limit: u64) -> Self {
        Self {
            used: Arc::default(),
            limit,
        }
    }

    /// Bytes taken now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
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
        let limit = self.quota.limit;
        let take = |used: u64| used.checked_add(more).filter(|used| *used <= limit);
        // Relaxed: a count, it orders no other memory.
        let taken = self
            .quota
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok();
        if taken {
            self.bytes.fetch_add(more, Ordering::Relaxed);
        }
        taken
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.quota
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
