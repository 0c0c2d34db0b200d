//! When something is to be done: functions of the time, of what is known, and of a seed. The seed spreads what many gateways
//! would do at the same moment; it is the same for a certificate as long as that lives, so that a restart changes
//! nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When a certificate is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    /// From when on.
    pub(super) not_before: i64,
    /// Until when.
    pub(super) not_after: i64,
}

/// When the directory wants a certificate to be renewed (RFC 9773, section 4.2), in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    /// From when on.
    pub(super) start: i64,
    /// Until when.
    pub(super) end: i64,
}

/// What has failed so far, in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failures {
    /// How often.
    pub(super) count: u32,
    /// Since when, in seconds since 1970.
    pub(super) since: i64,
    /// Not before, in seconds since 1970.
    pub(super) next: i64,
    /// Nothing is tried any more until the configuration is loaded again.
    pub(super) is_over: bool,
}

/// When a certificate is to be renewed: at a moment of the directory's window, or so long before its end as is configured, or at
/// two thirds of its time, up to a fiftieth of that earlier.
pub(super) fn renewal(
    validity: Validity,
    before: Option<Duration>,
    window: Option<Window>,
    seed: u64,
) -> i64 {
    let Validity {
        not_before,
        not_after,
    } = validity;
    let lifetime = not_after.saturating_sub(not_before).max(0);
    if let Some(window) = window.filter(|window| window.start < window.end && before.is_none()) {
        let wanted = spread(window.start, window.end - window.start, seed);
        // Whatever the directory says, not after the end; and a directory that wants every certificate renewed at once is
        // asked four times a day.
        return wanted.max(not_before + SETTLED.min(lifetime / 10)).min(not_after);
    }
    let usual = lifetime / 3;
    let before = before.map_or(usual, |before| {
        // Of a certificate that lives shorter than that, every moment would be one.
        seconds(before).min(lifetime / 2)
    });
    let due = not_after - before;
    spread(due - lifetime / 50, lifetime / 50, seed)
}

impl Failures {
    /// One more, at `now`; for so long, all directories are `closed`.
    pub(super) fn add(&mut self, now: i64, closed: Duration, seed: u64) {
        if self.count == 0 {
            self.since = now;
        }
        let step = usize::try_from(self.count).unwrap_or(usize::MAX);
        let minutes = LADDER.get(step).or(LADDER.last()).copied().unwrap_or(LONGEST);
        self.count = self.count.saturating_add(1);
        let pause = minutes * 60;
        // Up to a tenth longer: gateways that failed together are not to try together.
        let pause = spread(pause, pause / 10, seed.wrapping_add(u64::from(self.count)));
        let closed = seconds(closed).min(LONGEST_WISH);
        self.next = now.saturating_add(pause.max(closed));
        self.is_over = now.saturating_sub(self.since) >= END;
    }

    /// Tried once more at once: an operator may have mended what was wrong.
    pub(super) fn encourage(&mut self) {
        self.next = 0;
        if std::mem::take(&mut self.is_over) {
            self.count = 0;
        }
    }
}

/// Which of `choices` an attempt is made with, after so many failures: one after the other, and round again.
pub(super) fn choice(failures: u32, choices: usize) -> usize {
    failures as usize % choices.max(1)
}

/// When the directory is to be asked again for its window; it says how long that is good for.
pub(super) fn next_look(now: i64, good_for: Option<Duration>) -> i64 {
    let good_for = good_for.map_or(USUAL_LOOK, seconds);
    now.saturating_add(good_for.clamp(60, 24 * 3600))
}

/// A moment within `width` behind `start`.
fn spread(start: i64, width: i64, seed: u64) -> i64 {
    let width = u64::try_from(width).unwrap_or(0);
    let offset = match width {
        0 => 0,
        width => mixed(seed) % width,
    };
    start.saturating_add(i64::try_from(offset).unwrap_or(0))
}

/// Seeds that are near each other have nothing in common behind this (splitmix64).
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// Minutes behind the first failure, the second one, …; behind the last one again and again.
const LADDER: [i64; 17] = [
    1, 2, 2, 5, 10, 10, 10, 20, 20, 20, 30, 60, 60, 120, 180, 240, LONGEST,
];

/// Minutes between two attempts, at most.
const LONGEST: i64 = 6 * 60;

/// Seconds from the first failure to the last attempt: 30 days.
const END: i64 = 30 * 24 * 3600;

/// Seconds that a directory is left alone because it wants to, at most.
pub(super) const LONGEST_WISH: i64 = 7 * 24 * 3600;

/// Seconds that a certificate is kept whatever its directory says. One that has to be revoked has a day at least (Baseline
/// Requirements of the CA/Browser Forum, section 4.9.1.1).
const SETTLED: i64 = 6 * 3600;

/// Seconds between two questions for the window of a directory that does not say.
const USUAL_LOOK: i64 = 6 * 3600;

#[cfg(test)]
mod tests;
