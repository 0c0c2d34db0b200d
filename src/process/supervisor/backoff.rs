//! How long a process that ended stays ended.

use std::time::Duration;

/// The pause after so many failures in a row; none after the end of a process that was steady.
pub(super) fn pause(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => LONGEST.min(FIRST * 2_u32.saturating_pow(doublings.min(ENOUGH))),
    }
}

/// Pause after the first failure; doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);

/// Longest pause: what a repaired database or disk costs at most.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// Doublings that are certain to reach the longest pause.
const ENOUGH: u32 = 16;

/// A process that has served for so long was not broken from the beginning.
pub(super) const STEADY: Duration = Duration::from_secs(10);

/// Failures in a row after which requests are no longer sent there: until then they wait in the socket's queue.
pub(super) const CRASH_LOOP: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds: Vec<_> = (0..10).map(|failures| pause(failures).as_secs()).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(u32::MAX), LONGEST);
    }
}
