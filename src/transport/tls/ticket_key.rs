//! A key that session tickets are encrypted with.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Bytes of a key's name, which stands in front of each ticket.
pub(super) const NAME: usize = 16;

/// Bytes of a key.
pub(super) const SECRET: usize = 32;

/// One key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: [u8; NAME],
    pub(super) secret: [u8; SECRET],
    /// Since when it encrypts, in seconds since 1970.
    pub(super) since: u64,
}

impl Key {
    /// A new one.
    pub(super) fn generate(since: u64) -> Option<Self> {
        let (mut name, mut secret) = ([0; NAME], [0; SECRET]);
        let random = SystemRandom::new();
        random.fill(&mut name).ok()?;
        random.fill(&mut secret).ok()?;
        Some(Self { name, secret, since })
    }

    /// For another process. A secret.
    pub(super) fn to_text(&self) -> String {
        let bytes = self.name.iter().chain(&self.secret);
        let digits: String = bytes.map(|byte| format!("{byte:02x}")).collect();
        format!("{}:{digits}", self.since)
    }

    /// What [`Key::to_text`] wrote.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let (since, digits) = text.split_once(':')?;
        let mut bytes = [0; NAME + SECRET];
        if digits.len() != 2 * bytes.len() || !digits.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
        }
        let (name, secret) = bytes.split_at(NAME);
        Some(Self {
            name: name.try_into().ok()?,
            secret: secret.try_into().ok()?,
            since: since.parse().ok()?,
        })
    }

    /// The key of a policy.
    pub(super) fn of(&self, policy: &[u8]) -> Option<LessSafeKey> {
        let secret = Salt::new(HKDF_SHA256, &[]).extract(&self.secret);
        let policy = [policy];
        let key = secret.expand(&policy, &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(key)))
    }
}

/// A secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}
