//! What one key has had of the workers.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Turn;
use super::clock::Work;

/// The account of a key.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// The virtual time up to which it has had its part, by the exchanges that are over.
    pub(super) had: Work,
    /// Exchanges under way.
    pub(super) running: usize,
    /// The moments at which they began, added up.
    began: Work,
    /// What they are expected to take.
    expected: Work,
    /// What one exchange takes, as far as is known.
    cost: Option<Work>,
    /// The requests that wait, by their tickets.
    pub(super) waiting: BTreeSet<u64>,
    /// Where it stands among the others, while it waits and may have another slot.
    pub(super) turn: Option<Turn>,
    /// Another slot would be more than its share.
    pub(super) is_capped: bool,
    /// It is in the list of those that want nothing and are remembered.
    pub(super) is_resting: bool,
}

/// How far behind its part a key may be that could not use it.
const CREDIT: Work = Duration::from_secs(1).as_nanos();

/// How far ahead of its part a key may be: an exchange that takes an hour must not shut it out for an hour.
const DEBT: Work = Duration::from_secs(10).as_nanos();

/// The weight of the last exchange in what the next one is expected to take is one of so many parts.
const MEMORY: Work = 4;

impl Account {
    /// Whether it wants a worker.
    pub(super) fn is_active(&self) -> bool {
        self.running > 0 || !self.waiting.is_empty()
    }

    /// The virtual time up to which it has had its part: never less than what was expected of the exchanges under way,
    /// so that a key of long ones does not get many before the first is over, and never less than what they took.
    pub(super) fn had_by(&self, moment: Work, time: Work) -> Work {
        let took = (moment * self.running as Work).saturating_sub(self.began);
        bounded(self.had + took.max(self.expected), time)
    }

    /// An exchange begins; gives what it is expected to take, `usual` where that is not known of the key.
    pub(super) fn begin(&mut self, moment: Work, usual: Work) -> Work {
        let expected = self.cost.unwrap_or(usual);
        self.running += 1;
        self.began += moment;
        self.expected += expected;
        expected
    }

    /// An exchange is taken out.
    pub(super) fn forget(&mut self, began: Work, expected: Work) {
        self.running -= 1;
        self.began -= began;
        self.expected -= expected;
    }

    /// An exchange took so much.
    pub(super) fn charge(&mut self, took: Work, time: Work) {
        self.had = bounded(self.had + took, time);
        self.cost = Some(mean(self.cost.unwrap_or(took), took, MEMORY));
    }
}

/// The running mean of what exchanges take.
pub(super) fn mean(before: Work, took: Work, memory: Work) -> Work {
    (before * (memory - 1) + took) / memory
}

fn bounded(had: Work, time: Work) -> Work {
    had.clamp(time.saturating_sub(CREDIT), time + DEBT)
}
