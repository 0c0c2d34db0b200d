//! When a name is asked for again.

use std::time::Duration;

use tokio::time::Instant;

/// The times of one name's questions. Knows neither the DNS nor the clock.
#[derive(Debug)]
pub(super) struct LookupSchedule {
    random: fastrand::Rng,
    /// When the last question was asked.
    asked: Instant,
    due: Instant,
    /// Failures in a row.
    failures: u32,
}

impl LookupSchedule {
    /// Due at once.
    pub(super) fn new(seed: u64, now: Instant) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            asked: now,
            due: now,
            failures: 0,
        }
    }

    /// When to ask next.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// A question is on its way.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asked = now;
    }

    /// There is an answer that is good for this time. The next question comes a little later: not before the server's
    /// own copy has grown old, and not together with those of all other gateways.
    pub(super) fn answered(&mut self, valid_for: Duration, now: Instant) {
        self.failures = 0;
        self.due = now + valid_for.mul_f64(1.0 + LATER * self.random.f64());
    }

    /// There is no answer, or none that can be used.
    pub(super) fn failed(&mut self, now: Instant) {
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(self.failures.min(MANY));
        self.failures = self.failures.saturating_add(1);
        let spread = 1.0 - SPREAD * self.random.f64();
        self.due = now + pause.min(LONGEST_PAUSE).mul_f64(spread);
    }

    /// The last answer may be wrong: an endpoint of it could not be reached. Asks soon, but not with every request
    /// that finds that out.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.due = self.due.min((self.asked + LEAST_PAUSE).max(now));
    }
}

/// Part of a time to live that is waited for at most in addition.
const LATER: f64 = 0.1;

/// Pause after the first failure; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Longest pause between questions that fail: what a name server that came back costs at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Part of a pause that is left out at most, by chance.
const SPREAD: f64 = 0.25;

/// Doublings that are certain to reach the longest pause.
const MANY: u32 = 16;

/// Least time between two questions that are not due.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn seeds() -> impl Iterator<Item = (LookupSchedule, Instant)> {
        let now = Instant::now();
        (0..1000).map(move |seed| (LookupSchedule::new(seed, now), now))
    }

    #[test]
    fn an_answer_is_relied_on_for_its_time_and_little_longer() {
        for (mut schedule, now) in seeds() {
            assert_eq!(schedule.due(), now);
            schedule.answered(10 * SECOND, now);
            let pause = schedule.due() - now;
            assert!((10 * SECOND..=11 * SECOND).contains(&pause), "{pause:?}");
        }
    }

    #[test]
    fn gateways_do_not_ask_in_step() {
        let mut times: Vec<_> = seeds()
            .map(|(mut schedule, now)| {
                schedule.answered(10 * SECOND, now);
                schedule.due() - now
            })
            .collect();
        times.sort();
        times.dedup();
        assert!(times.len() > 900, "{}", times.len());
    }

    #[test]
    fn failures_are_followed_by_longer_and_longer_pauses_up_to_a_limit() {
        for (mut schedule, start) in seeds() {
            let mut now = start;
            let mut longest = Duration::ZERO;
            for failures in 0..100 {
                schedule.failed(now);
                let pause = schedule.due() - now;
                let full = (FIRST_PAUSE * 2_u32.pow(failures.min(5))).min(LONGEST_PAUSE);
                assert!(pause <= full && pause >= full.mul_f64(0.74), "{pause:?}");
                longest = longest.max(pause);
                now = schedule.due();
            }
            assert!(longest > LONGEST_PAUSE.mul_f64(0.9));
            schedule.answered(10 * SECOND, now);
            schedule.failed(now);
            assert!(
                schedule.due() - now <= FIRST_PAUSE,
                "starts again after an answer"
            );
        }
    }

    #[test]
    fn haste_is_limited() {
        for (mut schedule, start) in seeds() {
            schedule.asked(start);
            schedule.answered(10 * SECOND, start);
            schedule.hurry(start + SECOND / 4);
            assert_eq!(schedule.due(), start + LEAST_PAUSE);
            schedule.answered(10 * SECOND, start);
            schedule.hurry(start + 3 * SECOND);
            assert_eq!(schedule.due(), start + 3 * SECOND);
            schedule.failed(start);
            let due = schedule.due();
            schedule.hurry(start);
            assert_eq!(schedule.due(), due, "never later than it was");
        }
    }
}
