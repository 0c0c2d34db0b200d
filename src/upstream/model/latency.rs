//! The moving average of an endpoint's latency: up at once, down with time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Peak EWMA, as in finagle: a latency above the average replaces it; one below counts the more the longer ago the
/// last answer was.
#[derive(Debug, Default)]
pub struct Latency(Mutex<Option<Average>>);

#[derive(Clone, Copy, Debug)]
struct Average {
    /// Seconds.
    value: f64,
    since: Instant,
}

/// In this time the past loses all but 1/e of its weight. The value of finagle and linkerd.
const DECAY: Duration = Duration::from_secs(10);

impl Latency {
    /// An answer came after `latency`, at `now`.
    pub fn observe(&self, latency: Duration, now: Instant) {
        let latency = latency.as_secs_f64();
        let mut average = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = match *average {
            Some(old) if latency < old.value => {
                let past = old.weight(now);
                old.value * past + latency * (1.0 - past)
            }
            _ => latency,
        };
        *average = Some(Average { value, since: now });
    }

    /// The average in seconds as it is at `now`: less when the last answer was before. `None` before the first one.
    pub fn at(&self, now: Option<Instant>) -> Option<f64> {
        let average = self.get()?;
        Some(now.map_or(average.value, |now| average.value * average.weight(now)))
    }

    /// When the last answer came.
    pub fn since(&self) -> Option<Instant> {
        self.get().map(|average| average.since)
    }

    fn get(&self) -> Option<Average> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Average {
    /// What is left of its weight.
    fn weight(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.since);
        (-age.as_secs_f64() / DECAY.as_secs_f64()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let (latency, start) = (Latency::default(), Instant::now());
        assert_eq!(latency.at(Some(start)), None);
        latency.observe(Duration::from_millis(10), start);
        latency.observe(Duration::from_millis(80), start);
        assert!(close(latency.at(Some(start)).unwrap(), 0.08));
        latency.observe(Duration::ZERO, start);
        assert!(close(latency.at(Some(start)).unwrap(), 0.08), "no time went by");
        let later = start + DECAY;
        assert!(close(latency.at(Some(later)).unwrap(), 0.08 / 1f64.exp()));
        latency.observe(Duration::ZERO, later);
        assert!(close(latency.at(Some(later)).unwrap(), 0.08 / 1f64.exp()));
    }

    #[test]
    fn time_that_runs_backwards_is_no_time() {
        let (latency, start) = (Latency::default(), Instant::now());
        latency.observe(Duration::from_secs(1), start + DECAY);
        assert!(close(latency.at(Some(start)).unwrap(), 1.0));
    }
}
