//! Session tickets: what a client brings along to go on with an earlier session (RFC 5077, RFC 8446, section 2.2).
//!
//! The keys outlive configurations and processes: a reload or a replacement of the program ends no session. A key
//! encrypts for half of a ticket's lifetime and decrypts for all of it. Each policy encrypts with a key of its own, made
//! of those: a ticket of a listener that asks for no certificate is worth nothing where one is asked for, nor is one from
//! before a certificate was revoked.
//!
//! Several gateways behind one balancer have the same keys where they have the same secret ([`SharedKeys`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use rustls::server::ProducesTickets;

use super::shared_keys::SharedKeys;
use super::ticket_key::{Key, NAME};

/// The keys of a process, and of the one before it.
#[derive(Debug, Default)]
pub(super) struct TicketKeys(Mutex<Vec<Key>>);

/// Where keys come from.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    /// The process has made them, or the one before it.
    Own(Arc<TicketKeys>),
    /// They are made of a secret.
    Shared(Arc<SharedKeys>),
}

/// Makes and reads the tickets of one policy.
#[derive(Debug)]
pub(super) struct Ticketer {
    keys: Keys,
    lifetime: Duration,
    /// What is different in policies whose sessions are not to be mixed up.
    policy: [u8; 32],
}

impl TicketKeys {
    /// The key that encrypts now; a new one if there is none, or the last one has done so for long enough.
    fn current(&self, now: u64, lifetime: u64) -> Option<Key> {
        let mut keys = self.lock();
        keys.retain(|key| now < key.since.saturating_add(lifetime));
        match keys.last() {
            Some(key) if now < key.since.saturating_add(lifetime / 2) => Some(key.clone()),
            _ => {
                let key = Key::generate(now)?;
                keys.push(key.clone());
                Some(key)
            }
        }
    }

    fn named(&self, name: &[u8], now: u64, lifetime: u64) -> Option<Key> {
        let keys = self.lock();
        let mut living = keys.iter().filter(|key| now < key.since.saturating_add(lifetime));
        living.find(|key| key.name == name).cloned()
    }

    /// All keys, for the process that takes the place of this one. A secret.
    pub(super) fn to_text(&self) -> String {
        let keys = self.lock();
        let words = keys.iter().map(Key::to_text);
        words.collect::<Vec<_>>().join(" ")
    }

    /// Takes the keys of the process before. What cannot be read is left out: then its clients begin anew.
    pub(super) fn adopt(&self, text: &str) {
        *self.lock() = text.split_ascii_whitespace().filter_map(Key::from_text).collect();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    /// The one that encrypts now.
    fn current(&self, now: u64, lifetime: u64) -> Option<Key> {
        match self {
            Self::Own(keys) => keys.current(now, lifetime),
            Self::Shared(keys) => keys.current(now, lifetime),
        }
    }

    /// The one with a name, if it may decrypt.
    fn named(&self, name: &[u8], now: u64, lifetime: u64) -> Option<Key> {
        match self {
            Self::Own(keys) => keys.named(name, now, lifetime),
            Self::Shared(keys) => keys.named(name, now, lifetime),
        }
    }
}

impl Ticketer {
    /// `policy`: tickets of others are not taken.
    pub(super) fn new(keys: Keys, lifetime: Duration, policy: [u8; 32]) -> Self {
        Self {
            keys,
            lifetime,
            policy,
        }
    }

    fn encrypt_at(&self, plain: &[u8], now: u64) -> Option<Vec<u8>> {
        let key = self.keys.current(now, self.lifetime.as_secs())?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut ticket = Vec::with_capacity(NAME + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        ticket.extend_from_slice(&key.name);
        ticket.extend_from_slice(&nonce);
        ticket.extend_from_slice(plain);
        let (head, body) = ticket.split_at_mut(NAME + NONCE_LEN);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealing = key.of(&self.policy)?;
        let tag = sealing
            .seal_in_place_separate_tag(nonce, Aad::from(&head[..NAME]), body)
            .ok()?;
        ticket.extend_from_slice(tag.as_ref());
        Some(ticket)
    }

    fn decrypt_at(&self, ticket: &[u8], now: u64) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_at_checked(NAME)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let key = self.keys.named(name, now, self.lifetime.as_secs())?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = sealed.to_vec();
        let opened = key
            .of(&self.policy)?
            .open_in_place(nonce, Aad::from(name), &mut bytes)
            .ok()?;
        let length = opened.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.lifetime.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.encrypt_at(plain, now())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.decrypt_at(cipher, now())
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn ticketer(keys: &Arc<TicketKeys>, policy: u8) -> Ticketer {
        Ticketer::new(
            Keys::Own(keys.clone()),
            Duration::from_secs(24 * HOUR),
            [policy; 32],
        )
    }

    #[test]
    fn a_ticket_is_taken_for_its_lifetime_and_its_key_changes_in_half_of_it() {
        let keys = Arc::default();
        let ticketer = ticketer(&keys, 1);
        let first = ticketer.encrypt_at(b"session", 0).unwrap();
        let same = ticketer.encrypt_at(b"session", 11 * HOUR).unwrap();
        let next = ticketer.encrypt_at(b"session", 12 * HOUR).unwrap();
        assert_eq!(first[..NAME], same[..NAME]);
        assert_ne!(first[..NAME], next[..NAME]);
        assert_eq!(ticketer.decrypt_at(&first, 23 * HOUR).unwrap(), b"session");
        assert_eq!(ticketer.decrypt_at(&first, 24 * HOUR), None);
        assert_eq!(ticketer.decrypt_at(&next, 35 * HOUR).unwrap(), b"session");
        ticketer.encrypt_at(b"session", 25 * HOUR).unwrap();
        assert_eq!(keys.lock().len(), 2, "a key that is of no use is forgotten");
    }

    #[test]
    fn a_ticket_of_another_policy_is_not_taken() {
        let keys = Arc::default();
        let ticket = ticketer(&keys, 1).encrypt_at(b"session", 0).unwrap();
        assert_eq!(ticketer(&keys, 2).decrypt_at(&ticket, 0), None);
        assert!(ticketer(&keys, 1).decrypt_at(&ticket, 0).is_some());
    }

    #[test]
    fn a_changed_ticket_is_not_taken() {
        let keys = Arc::default();
        let ticketer = ticketer(&keys, 1);
        let ticket = ticketer.encrypt_at(b"session", 0).unwrap();
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert_eq!(ticketer.decrypt_at(&changed, 0), None, "{at}");
            assert_eq!(ticketer.decrypt_at(&ticket[..at], 0), None, "{at}");
        }
    }

    #[test]
    fn the_next_process_takes_the_tickets_of_the_one_before() {
        let (before, next): (Arc<TicketKeys>, Arc<TicketKeys>) = Default::default();
        let ticket = ticketer(&before, 1).encrypt_at(b"session", 5).unwrap();
        next.adopt(&format!("{} 5:00 x 9:é", before.to_text()));
        assert_eq!(*next.lock(), *before.lock());
        assert_eq!(ticketer(&next, 1).decrypt_at(&ticket, 6).unwrap(), b"session");
    }
}
