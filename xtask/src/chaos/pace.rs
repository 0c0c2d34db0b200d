//! The time of a case, and when in it something happens.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::load::Progress;

/// From the first request to the last.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    start: Instant,
    length: Duration,
    load: Arc<Progress>,
}

impl Pace {
    /// Begins now, together with a load.
    pub(crate) fn new(length: Duration, load: Arc<Progress>) -> Self {
        Self {
            start: Instant::now(),
            length,
            load,
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

    /// Waits until that many more requests have ended, at most until the end: a fault that comes faster than a busy
    /// machine answers would hit the same request again and again.
    pub(crate) fn let_end(&self, requests: usize) {
        let enough = self.load.ended() + requests;
        while self.load.ended() < enough && Instant::now() < self.at(1.0) {
            sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the load has no more requests under way than that, at most until that part of the time.
    pub(crate) fn settle(&self, requests: usize, part: f64) {
        while self.load.open() > requests && Instant::now() < self.at(part) {
            sleep(Duration::from_millis(1));
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
        let pace = Pace::new(Duration::from_millis(20), Arc::default());
        assert_eq!(pace.every(Duration::from_secs(10), |_| Ok(())).unwrap(), 3);
    }
}
