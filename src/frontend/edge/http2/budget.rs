//! How many frames of a kind a client may send: some at once, some a second, and what its streams account for.

use std::time::Duration;

use tokio::time::Instant;

/// What a client has without doing anything for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// At once. It never has more.
    pub(super) burst: u32,
    /// A second.
    pub(super) per_second: u32,
}

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    limit: Limit,
    /// What came with time was added until then.
    since: Instant,
}

impl Budget {
    /// With the whole burst.
    pub(super) fn new(limit: Limit, now: Instant) -> Self {
        Self {
            left: limit.burst,
            limit,
            since: now,
        }
    }

    /// Takes so much; whether there was as much. The clock is asked for only when there is not.
    #[must_use]
    pub(super) fn spend(&mut self, cost: u32, now: impl FnOnce() -> Instant) -> bool {
        if self.left < cost {
            self.refill(now());
        }
        let left = self.left.checked_sub(cost);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// Something was done that accounts for more.
    pub(super) fn earn(&mut self, more: u32) {
        self.left = self.left.saturating_add(more).min(self.limit.burst);
    }

    /// Adds what came with time.
    fn refill(&mut self, now: Instant) {
        let rate = u64::from(self.limit.per_second);
        let waited = now.saturating_duration_since(self.since).as_millis();
        let due = u64::try_from(waited).unwrap_or(u64::MAX).saturating_mul(rate) / 1000;
        if due > 0 {
            // What is no whole one yet counts the next time.
            self.since += Duration::from_millis(due * 1000 / rate);
            self.earn(u32::try_from(due).unwrap_or(u32::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        burst: 10,
        per_second: 4,
    };

    #[test]
    fn the_burst_is_all_there_is_at_once() {
        let start = Instant::now();
        let mut budget = Budget::new(LIMIT, start);
        assert!((0..10).all(|_| budget.spend(1, || start)));
        assert!(!budget.spend(1, || start));
    }

    #[test]
    fn time_brings_as_many_as_are_due_and_loses_none() {
        let start = Instant::now();
        let mut budget = Budget::new(LIMIT, start);
        assert!(budget.spend(10, || start));
        let mut spent = 0;
        // Asked far more often than one comes.
        for milliseconds in 0..10_000 {
            let now = start + Duration::from_millis(milliseconds);
            spent += u32::from(budget.spend(1, || now));
        }
        assert_eq!(spent, 39);
    }

    #[test]
    fn a_long_rest_brings_no_more_than_the_burst() {
        let start = Instant::now();
        let mut budget = Budget::new(LIMIT, start);
        assert!(budget.spend(10, || start));
        let later = start + Duration::from_secs(1_000_000);
        assert!((0..10).all(|_| budget.spend(1, || later)));
        assert!(!budget.spend(1, || later));
    }

    #[test]
    fn what_was_earned_counts_at_once() {
        let start = Instant::now();
        let mut budget = Budget::new(LIMIT, start);
        for _ in 0..1000 {
            assert!(budget.spend(1, || unreachable!("there is enough")));
            budget.earn(1);
        }
        budget.earn(u32::MAX);
        assert!(budget.spend(10, || start) && !budget.spend(1, || start));
    }
}
