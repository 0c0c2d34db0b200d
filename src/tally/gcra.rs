//! Rates: the generic cell rate algorithm, which is a leaky bucket that keeps a time in place of a level.
//!
//! A key has one number, the time at which it is even. Each request moves that by the interval between two requests of
//! the rate. A key that is ahead by more than its burst is refused; that changes nothing. nginx's `excess` is the time
//! by which a key is ahead, in intervals.

use std::num::NonZeroU32;
use std::time::Duration;

/// A rate and what may be ahead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    /// Nanoseconds between two requests, at least one.
    interval: u64,
    /// Nanoseconds that a key may be ahead.
    burst: u64,
    /// Nanoseconds that a key may be ahead without waiting.
    free: u64,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on at once.
    Pass,
    /// It goes on when so much time is over.
    Wait(Duration),
    /// It is refused; the next one after so much time is not.
    Refuse(Duration),
}

impl Gcra {
    /// So many requests `per` time; `burst` more than that may be ahead, and of these `free` without waiting.
    pub fn new(requests: NonZeroU32, per: Duration, burst: u32, free: u32) -> Self {
        let per = u64::try_from(per.as_nanos()).unwrap_or(u64::MAX);
        let interval = (per / u64::from(requests.get())).max(1);
        let ahead = |requests| interval.saturating_mul(u64::from(requests));
        Self {
            interval,
            burst: ahead(burst),
            free: ahead(free.min(burst)),
        }
    }

    /// A request at `now`, of the key that is even at `even`; both in nanoseconds since the same moment.
    pub fn ask(&self, even: &mut u64, now: u64) -> Verdict {
        let from = now.max(*even);
        let ahead = from - now;
        if let Some(over @ 1..) = ahead.checked_sub(self.burst) {
            return Verdict::Refuse(Duration::from_nanos(over));
        }
        *even = from.saturating_add(self.interval);
        match ahead.saturating_sub(self.free) {
            0 => Verdict::Pass,
            wait => Verdict::Wait(Duration::from_nanos(wait)),
        }
    }

    /// A request that was let go on was none.
    pub fn take_back(&self, even: &mut u64) {
        *even = even.saturating_sub(self.interval);
    }

    /// The longest that a request may have to wait.
    pub fn longest_wait(&self) -> Duration {
        Duration::from_nanos(self.burst - self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn gcra(requests: u32, burst: u32, free: u32) -> Gcra {
        let requests = NonZeroU32::new(requests).unwrap();
        Gcra::new(requests, Duration::from_secs(1), burst, free)
    }

    #[test]
    fn as_many_pass_at_once_as_the_burst_and_one() {
        for burst in [0, 1, 7] {
            let (gcra, mut even) = (gcra(10, burst, burst), 0);
            let verdicts = (0..burst + 3).map(|_| gcra.ask(&mut even, 0));
            let passed = verdicts.filter(|verdict| *verdict == Verdict::Pass).count();
            assert_eq!(passed, burst as usize + 1);
            assert_eq!(
                gcra.ask(&mut even, 0),
                Verdict::Refuse(Duration::from_millis(100))
            );
        }
    }

    #[test]
    fn what_is_refused_leaves_no_trace_and_comes_back_in_time() {
        let (gcra, mut even) = (gcra(10, 0, 0), 5 * SECOND);
        let Verdict::Refuse(time) = gcra.ask(&mut even, 4 * SECOND) else {
            panic!("not refused");
        };
        assert_eq!((even, time), (5 * SECOND, Duration::from_secs(1)));
        assert_eq!(gcra.ask(&mut even, 5 * SECOND), Verdict::Pass);
    }

    #[test]
    fn behind_the_free_part_of_the_burst_requests_wait_at_the_rate() {
        let (gcra, mut even) = (gcra(10, 4, 2), 0);
        let verdicts: Vec<_> = (0..6).map(|_| gcra.ask(&mut even, 0)).collect();
        let wait = |millis| Verdict::Wait(Duration::from_millis(millis));
        let refused = Verdict::Refuse(Duration::from_millis(100));
        let passed = Verdict::Pass;
        assert_eq!(verdicts, [passed, passed, passed, wait(100), wait(200), refused]);
        assert_eq!(gcra.longest_wait(), Duration::from_millis(200));
    }

    #[test]
    fn over_a_long_time_no_more_pass_than_the_rate_and_the_burst() {
        let (gcra, mut even) = (gcra(10, 5, 5), 0);
        let passed = (0..100_000_u64)
            .map(|step| gcra.ask(&mut even, step * SECOND / 1000))
            .filter(|verdict| *verdict == Verdict::Pass)
            .count();
        assert_eq!(passed, 100 * 10 + 5);
    }

    #[test]
    fn a_request_that_is_taken_back_makes_room_for_another() {
        let (gcra, mut even) = (gcra(1, 0, 0), 0);
        assert_eq!(gcra.ask(&mut even, 0), Verdict::Pass);
        gcra.take_back(&mut even);
        assert_eq!(gcra.ask(&mut even, 0), Verdict::Pass);
    }

    #[test]
    fn no_rate_and_no_time_overflow() {
        let most = NonZeroU32::new(u32::MAX).unwrap();
        for (requests, per) in [(most, Duration::from_nanos(1)), (NonZeroU32::MIN, Duration::MAX)] {
            let gcra = Gcra::new(requests, per, u32::MAX, 0);
            for mut even in [0, u64::MAX] {
                for now in [0, u64::MAX] {
                    gcra.ask(&mut even, now);
                    gcra.take_back(&mut even);
                }
            }
        }
    }
}
