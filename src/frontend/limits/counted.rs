//! What one request has counted for.

use super::concurrent::Held;
use crate::telemetry::limits::{LimitStatus, Limited};

/// The limits that a request has counted for, and what became of it there.
#[derive(Default)]
pub(in crate::frontend) struct Counted {
    /// Bits by the numbers of limits: those of rates, then those of requests at a time.
    limits: u128,
    /// Where it counts as long as it is under way.
    held: Vec<Held>,
    /// What became of it.
    pub(in crate::frontend) outcome: Limited,
}

impl Counted {
    /// Whether its rate counts for a limit now, for the first time.
    pub(super) fn first(&mut self, number: usize) -> bool {
        self.first_of(number % MOST)
    }

    /// Whether it counts now as one that is under way, for the first time.
    pub(super) fn first_at_a_time(&mut self, number: usize) -> bool {
        self.first_of(MOST + number % MOST)
    }

    fn first_of(&mut self, place: usize) -> bool {
        let bit = 1_u128 << place;
        let is_first = self.limits & bit == 0;
        self.limits |= bit;
        is_first
    }

    /// It counts as long as it is under way.
    pub(super) fn hold(&mut self, held: Held) {
        self.held.push(held);
    }

    /// What it counts for goes on without it.
    pub(in crate::frontend) fn take_held(&mut self) -> Vec<Held> {
        std::mem::take(&mut self.held)
    }

    /// Something became of it among those under way; the worst is what is told.
    pub(super) fn at_a_time(&mut self, status: LimitStatus) {
        self.outcome.concurrent = self.outcome.concurrent.max(Some(status));
    }

    /// Something became of its rate; the worst is what is told.
    pub(super) fn rate(&mut self, status: LimitStatus) {
        self.outcome.rate = self.outcome.rate.max(Some(status));
    }
}

/// Limits of a configuration.
pub(super) const MOST: usize = u64::BITS as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_once_for_a_limit() {
        let mut counted = Counted::default();
        let firsts = [0, 63, 0, 63, 7].map(|number| counted.first(number));
        assert_eq!(firsts, [true, true, false, false, true]);
        assert!(counted.first_at_a_time(7) && !counted.first_at_a_time(7));
    }

    #[test]
    fn the_worst_is_told() {
        let mut counted = Counted::default();
        for status in [LimitStatus::Passed, LimitStatus::Delayed, LimitStatus::Passed] {
            counted.rate(status);
        }
        assert_eq!(counted.outcome.rate, Some(LimitStatus::Delayed));
    }
}
