//! What one request has counted for.

use crate::telemetry::limits::{LimitStatus, Limited};

/// The limits that a request has counted for, and what became of it there.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::frontend) struct Counted {
    /// Bits by the numbers of limits.
    limits: u64,
    /// What became of it.
    pub(in crate::frontend) outcome: Limited,
}

impl Counted {
    /// Whether it counts for a limit now, for the first time.
    pub(super) fn first(&mut self, number: usize) -> bool {
        let bit = 1_u64 << (number % MOST);
        let is_first = self.limits & bit == 0;
        self.limits |= bit;
        is_first
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
