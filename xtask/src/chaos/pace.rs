//! The time of a case, and when in it something happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

/// From the first request to the last.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    start: Instant,
    length: Duration,
    /// Requests of the load that have ended.
    ended: Arc<AtomicUsize>,
}

impl Pace {
    /// Begins now, with a load that counts its ended requests.
    pub(crate) fn new(length: Duration, ended: Arc<AtomicUsize>) -> Self {
        Self {
            start: Instant::now(),
            length,
            ended,
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
        let enough = self.ended.load(Ordering::Relaxed) + requests;
        while self.ended.load(Ordering::Relaxed) < enough && Instant::now() < self.at(1.0) {
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
