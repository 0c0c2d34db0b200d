//! One start of an application with one set of settings, and what becomes of it.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff;

/// The number of a generation, from 1.
pub(in crate::process) type Id = u32;

/// A generation.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) id: Id,
    pub(super) phase: Phase,
    /// Ends in a row before it was steady.
    pub(super) failures: u32,
}

/// Where a generation stands. All but [`Waiting`](Self::Waiting) have a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has ended and is started again then.
    Waiting { until: Instant },
    /// Not ready yet.
    Starting { until: Instant },
    /// Ready, and being warmed up.
    Warming { until: Instant },
    /// Requests go there.
    Serving { since: Instant },
    /// Another one serves; it finishes what it has.
    Draining { until: Instant },
    /// Told to stop.
    Stopping { until: Instant },
    /// Killed, since it did not get ready; it is started again.
    Failing,
    /// Killed; nothing follows.
    Killed,
}

impl Generation {
    pub(super) fn new(id: Id, phase: Phase) -> Self {
        Self {
            id,
            phase,
            failures: 0,
        }
    }

    /// When something is to be done about it.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { until }
            | Phase::Starting { until }
            | Phase::Warming { until }
            | Phase::Draining { until }
            | Phase::Stopping { until } => Some(until),
            Phase::Serving { .. } | Phase::Failing | Phase::Killed => None,
        }
    }

    /// Whether it serves, or is meant to.
    pub(super) fn is_wanted(&self) -> bool {
        matches!(
            self.phase,
            Phase::Waiting { .. }
                | Phase::Starting { .. }
                | Phase::Warming { .. }
                | Phase::Serving { .. }
                | Phase::Failing
        )
    }

    /// Its process has ended, and is started again after the pause that this gives.
    pub(super) fn failed(&mut self, now: Instant) -> Duration {
        let was_steady = match self.phase {
            Phase::Serving { since } => now.duration_since(since) >= backoff::STEADY,
            _ => false,
        };
        self.failures = if was_steady {
            0
        } else {
            self.failures.saturating_add(1)
        };
        let pause = backoff::pause(self.failures);
        self.phase = Phase::Waiting { until: now + pause };
        pause
    }
}
