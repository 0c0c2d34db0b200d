//! The time of a fair queue: how much of a worker each key could have had.

use tokio::time::Instant;

/// Nanoseconds of one worker. Wide: a pool of ten thousand would wrap 64 bits within weeks.
pub(super) type Work = u128;

/// The virtual time of fair queueing (Demers, Keshav and Shenker, 1989): it goes as fast as the workers at work divided
/// by the keys that want them.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    read: Instant,
    time: Work,
    /// Exchanges under way.
    pub(super) running: usize,
    /// Keys with an exchange under way, or a request that waits.
    pub(super) active: usize,
}

impl Clock {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            read: now,
            time: 0,
            running: 0,
            active: 0,
        }
    }

    /// The virtual time; to be asked before `running` and `active` change.
    pub(super) fn time(&mut self, now: Instant) -> Work {
        let passed = now.saturating_duration_since(self.read).as_nanos();
        self.read = self.read.max(now);
        // While nothing wants a worker, what keys had too much is forgiven at the pace of one worker.
        let (running, active) = match self.active {
            0 => (1, 1),
            active => (self.running as Work, active as Work),
        };
        self.time += passed * running / active;
        self.time
    }

    /// The virtual time when the clock was last read.
    pub(super) fn virtual_time(&self) -> Work {
        self.time
    }

    /// The moment at which the clock was last read.
    pub(super) fn now(&self) -> Work {
        self.moment(self.read)
    }

    /// A moment as a number.
    pub(super) fn moment(&self, at: Instant) -> Work {
        at.saturating_duration_since(self.began).as_nanos()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_key_gets_its_part_of_the_workers() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut clock = Clock::new(start);
        (clock.running, clock.active) = (10, 4);
        assert_eq!(clock.time(after(2)), 5_000_000_000);
        assert_eq!(clock.time(after(1)), 5_000_000_000, "it never goes back");
        (clock.running, clock.active) = (0, 0);
        assert_eq!(clock.time(after(3)), 6_000_000_000);
    }
}
