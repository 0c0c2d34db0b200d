//! Something that happens again and again, and is told once in a while, with how often it happened.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keeps what floods a log from doing so.
#[derive(Debug)]
pub struct Reminder {
    period: Duration,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    /// Times since then.
    since: u64,
}

impl Reminder {
    /// To be told once a `period` at most.
    pub fn every(period: Duration) -> Self {
        Self {
            period,
            told: Mutex::default(),
        }
    }

    /// It happened `times` more. When it is to be told now: how often it did since it was told last.
    pub fn happened(&self, times: u64, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.since += times;
        let due = told
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= self.period);
        due.then(|| {
            told.last = Some(now);
            std::mem::take(&mut told.since)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_at_once_and_then_once_a_period_with_what_happened_meanwhile() {
        let reminder = Reminder::every(Duration::from_secs(1));
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let told: Vec<_> = [0, 100, 900, 1000, 1001, 5000]
            .map(|millis| reminder.happened(1, at(millis)))
            .into();
        assert_eq!(told, [Some(1), None, None, Some(3), None, Some(2)]);
        assert_eq!(reminder.happened(7, at(6000)), Some(7));
    }
}
