//! Passwords that were right a short while ago.

use std::collections::HashMap;

use tokio::time::{Duration, Instant};

use crate::passwords::Digest;

/// Those that were right, and since when they are not asked for again.
#[derive(Debug, Default)]
pub(super) struct Passed(HashMap<Digest, Instant>);

impl Passed {
    /// Whether it was right lately.
    pub(super) fn has(&self, digest: &Digest, now: Instant) -> bool {
        self.0.get(digest).is_some_and(|since| is_recent(*since, now))
    }

    /// It was right. Where there is no room, the oldest one goes.
    pub(super) fn add(&mut self, digest: Digest, now: Instant) {
        if self.0.len() >= MOST {
            self.0.retain(|_, since| is_recent(*since, now));
        }
        if self.0.len() >= MOST
            && let Some(oldest) = self
                .0
                .iter()
                .min_by_key(|(_, since)| **since)
                .map(|(digest, _)| *digest)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(digest, now);
    }
}

fn is_recent(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < VALID
}

/// How long a password that was right is not compared again.
const VALID: Duration = Duration::from_secs(60);

/// Passwords that are kept: those of so many users at a time.
const MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Digest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        digest
    }

    #[test]
    fn what_was_right_is_forgotten_after_a_minute() {
        let (mut passed, start) = (Passed::default(), Instant::now());
        passed.add(digest(1), start);
        assert!(passed.has(&digest(1), start + Duration::from_secs(59)));
        assert!(!passed.has(&digest(1), start + Duration::from_secs(60)));
        assert!(!passed.has(&digest(2), start));
    }

    #[test]
    fn there_is_room_for_so_many_and_the_oldest_goes_first() {
        let (mut passed, start) = (Passed::default(), Instant::now());
        for number in 0..=MOST {
            passed.add(digest(number), start + Duration::from_millis(number as u64));
        }
        let now = start + Duration::from_secs(2);
        assert_eq!(passed.0.len(), MOST);
        assert!(
            !passed.has(&digest(0), now) && passed.has(&digest(1), now) && passed.has(&digest(MOST), now)
        );
        passed.add(digest(MOST + 1), start + Duration::from_secs(62));
        assert_eq!(passed.0.len(), 1, "those that are no longer valid go all at once");
    }
}
