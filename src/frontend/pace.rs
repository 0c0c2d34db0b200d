//! Whether a client moves enough bytes for the time that is spent waiting for it.
//!
//! A client has some time to spare, its grace. Waiting for it uses that up; every byte earns a little back, never
//! more than the grace: a client that was fast an hour ago may not be slow for an hour. Time in which the application or
//! the disk is waited for does not count.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::time::Instant;

/// The least rate of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bytes a second, at least 1.
    pub bytes: NonZeroU64,
    /// Time that a client may lag behind it.
    pub grace: Duration,
}

/// Least and most bytes that a client is given at a time, where its rate matters: less would not be worth a write, and the
/// time that more takes would be the client's before it has taken any of it.
const PIECE: RangeInclusive<u64> = 16 * 1024..=64 * 1024;

impl Rate {
    /// Bytes that the client is given at a time: those of a second.
    pub(super) fn piece(&self) -> usize {
        self.bytes.get().clamp(*PIECE.start(), *PIECE.end()) as usize
    }
}

/// One client's account of time, for one direction.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Rate,
    /// Time that may be waited for it.
    credit: Duration,
    /// It is waited for since then.
    since: Option<Instant>,
}

impl Pace {
    /// A client that has its whole grace.
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            credit: rate.grace,
            since: None,
        }
    }

    /// The client is waited for from now on; gives how long that may take.
    pub(super) fn begin(&mut self, now: Instant) -> Duration {
        let since = *self.since.get_or_insert(now);
        self.credit.saturating_sub(now.duration_since(since))
    }

    /// It is waited for no longer.
    pub(super) fn end(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            let left = self.credit.saturating_sub(now.duration_since(since));
            self.credit = left.min(self.rate.grace);
        }
    }

    /// It has moved bytes, or is to move them now: the time for them comes first.
    pub(super) fn earn(&mut self, bytes: usize) {
        let time = Duration::from_secs_f64(bytes as f64 / self.rate.bytes.get() as f64);
        self.credit = (self.credit + time).min(self.rate.grace.max(time));
    }

    /// Whether more time was spent waiting for it than there was.
    pub(super) fn is_spent(&self, now: Instant) -> bool {
        self.since
            .is_some_and(|since| now.duration_since(since) > self.credit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        bytes: NonZeroU64::new(1000).unwrap(),
        grace: Duration::from_secs(10),
    };

    fn secs(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_client_at_its_rate_is_never_too_slow() {
        let mut now = Instant::now();
        let mut pace = Pace::new(RATE);
        for _ in 0..1000 {
            assert!(pace.begin(now) >= secs(9));
            now += secs(1);
            assert!(!pace.is_spent(now));
            pace.end(now);
            pace.earn(1000);
        }
    }

    #[test]
    fn a_client_at_half_its_rate_is_too_slow_after_twice_its_grace() {
        let mut now = Instant::now();
        let start = now;
        let mut pace = Pace::new(RATE);
        loop {
            if pace.begin(now) < secs(1) {
                break;
            }
            now += secs(1);
            pace.end(now);
            pace.earn(500);
        }
        assert_eq!((now - start).as_secs(), 19);
    }

    #[test]
    fn what_was_fast_once_may_pause_for_its_grace_and_no_longer() {
        let now = Instant::now();
        let mut pace = Pace::new(RATE);
        for _ in 0..100 {
            pace.begin(now);
            pace.end(now);
            pace.earn(1000);
        }
        assert_eq!(pace.begin(now), secs(10));
        assert!(!pace.is_spent(now + secs(10)));
        assert!(pace.is_spent(now + secs(11)));
    }

    #[test]
    fn a_piece_is_what_a_second_brings_within_bounds() {
        for (bytes, piece) in [(1, 16_384), (20_000, 20_000), (1 << 30, 65_536)] {
            let rate = Rate {
                bytes: NonZeroU64::new(bytes).unwrap(),
                ..RATE
            };
            assert_eq!(rate.piece(), piece);
        }
    }

    #[test]
    fn a_piece_has_the_time_that_it_takes() {
        let now = Instant::now();
        let mut pace = Pace::new(RATE);
        pace.earn(100_000);
        assert_eq!(pace.begin(now), secs(100));
        pace.end(now + secs(1));
        assert_eq!(pace.begin(now), secs(10));
    }

    #[test]
    fn time_in_which_nothing_waits_is_free() {
        let now = Instant::now();
        let mut pace = Pace::new(RATE);
        pace.begin(now);
        pace.end(now + secs(4));
        assert!(!pace.is_spent(now + secs(1000)));
        assert_eq!(pace.begin(now + secs(1000)), secs(6));
    }
}
