//! Ticket keys that several gateways have in common, without a word between them: each makes them of the same secret and
//! of the time.
//!
//! Time is cut into halves of a ticket's lifetime, and each has a key, as if it had been made at its beginning. The key of the
//! next one is known, too: the clock of another gateway may be ahead.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use super::ticket_key::{Key, NAME, SECRET};
use crate::transport::Secret;

/// Of which secrets of other programs are no part.
const SALT: &[u8] = b"Bridgehead ticket keys";

/// The keys of a secret.
#[derive(Debug)]
pub(super) struct SharedKeys {
    root: Prk,
    /// Those that were wanted last, so that a ticket takes no more work than one of a process's own key.
    known: Mutex<Vec<Key>>,
}

/// Bytes of a key with its name.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        NAME + SECRET
    }
}

impl SharedKeys {
    /// Those of a secret.
    pub(super) fn new(secret: &Secret) -> Self {
        Self {
            root: Salt::new(HKDF_SHA256, SALT).extract(secret.as_bytes()),
            known: Mutex::default(),
        }
    }

    /// The one that encrypts now.
    pub(super) fn current(&self, now: u64, lifetime: u64) -> Option<Key> {
        let half = half(lifetime);
        self.find(now, half, |key| key.since == now - now % half)
    }

    /// The one with a name, if it may decrypt.
    pub(super) fn named(&self, name: &[u8], now: u64, lifetime: u64) -> Option<Key> {
        self.find(now, half(lifetime), |key| key.name == name)
    }

    fn find(&self, now: u64, half: u64, wanted: impl Fn(&Key) -> bool) -> Option<Key> {
        let begin = now - now % half;
        let times = [begin.saturating_sub(half), begin, begin.saturating_add(half)];
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().map(|key| key.since).eq(times) {
            *known = times.iter().filter_map(|since| self.make(*since, half)).collect();
        }
        known.iter().find(|key| wanted(key)).cloned()
    }

    fn make(&self, since: u64, half: u64) -> Option<Key> {
        let mut bytes = [0; NAME + SECRET];
        // Keys of another lifetime are other keys.
        let info = [&half.to_be_bytes()[..], &since.to_be_bytes()[..]];
        self.root.expand(&info, Length).ok()?.fill(&mut bytes).ok()?;
        let (name, secret) = bytes.split_at(NAME);
        Some(Key {
            name: name.try_into().ok()?,
            secret: secret.try_into().ok()?,
            since,
        })
    }
}

fn half(lifetime: u64) -> u64 {
    (lifetime / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn keys(secret: &str) -> SharedKeys {
        SharedKeys::new(&Secret::new(secret.as_bytes()))
    }

    #[test]
    fn gateways_with_one_secret_have_the_same_keys_at_the_same_time() {
        let (one, other) = (keys("secret"), keys("secret"));
        let noon = 5 * DAY + DAY / 2;
        let key = one.current(noon, DAY).unwrap();
        assert!(key == other.current(noon + 3, DAY).unwrap());
        assert!(key != other.current(noon - 1, DAY).unwrap());
        assert!(key != keys("another").current(noon, DAY).unwrap());
        assert!(key != other.current(noon, 2 * DAY).unwrap());
    }

    #[test]
    fn a_key_decrypts_for_the_lifetime_of_its_tickets_and_a_little_before() {
        let keys = keys("secret");
        let begin = 5 * DAY;
        let name = keys.current(begin, DAY).unwrap().name;
        for (now, found) in [
            (begin - DAY / 2 - 1, false),
            (begin - 1, true),
            (begin + DAY - 1, true),
            (begin + DAY, false),
        ] {
            assert_eq!(keys.named(&name, now, DAY).is_some(), found, "{now}");
        }
    }
}
