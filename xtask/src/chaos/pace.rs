//! The time of a case, and when in it something happens.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

/// From the first request to the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    start: Instant,
    length: Duration,
}

impl Pace {
    /// Begins now.
    pub(crate) fn new(length: Duration) -> Self {
        Self {
            start: Instant::now(),
            length,
        }
    }

    /// How long the load runs.
    pub(crate) fn length(&self) -> Duration {
        self.length
    }

    /// Does `work` every `period`, or three times if the case is too short for that; not in the last tenth, so that
    /// the end shows whether everything comes back. Gives how often.
    ///
    /// # Errors
    ///
    /// The first of `work`.
    pub(crate) fn every(&self, period: Duration, mut work: impl FnMut(usize) -> Result<()>) -> Result<usize> {
        let period = period.min(self.length.mul_f64(0.29));
        let end = self.start + self.length.mul_f64(0.9);
        let mut times = 0;
        loop {
            let due = self.start + period * u32::try_from(times + 1)?;
            if due.max(Instant::now()) >= end {
                return Ok(times);
            }
            sleep(due.saturating_duration_since(Instant::now()));
            work(times)?;
            times += 1;
        }
    }

    /// Waits until that part of the time has passed.
    pub(crate) fn until(&self, part: f64) {
        sleep(self.at(part).saturating_duration_since(Instant::now()));
    }

    /// When that part of the time has passed.
    pub(crate) fn at(&self, part: f64) -> Instant {
        self.start + self.length.mul_f64(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_case_has_three_times() {
        let pace = Pace::new(Duration::from_millis(20));
        assert_eq!(pace.every(Duration::from_secs(10), |_| Ok(())).unwrap(), 3);
    }
}
