//! One hash of a password.

use argon2::Argon2;
use sha_crypt::{PasswordVerifier, ShaCrypt};
use subtle::ConstantTimeEq;

use super::apr1;

/// A hash in the form that its kind is written in.
#[derive(Clone, Debug)]
pub(super) struct Hash {
    kind: Kind,
    text: Box<str>,
    cost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bcrypt,
    /// SHA-256 or SHA-512.
    ShaCrypt,
    Apr1,
    Argon2id,
}

impl Hash {
    /// Reads a hash. What it costs is limited: each login takes a processor for so long.
    pub(super) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(text).map_err(|_| NO_HASH)?;
        let parts: Vec<_> = text.split('$').collect();
        let (kind, cost) = match parts[..] {
            ["", "2a" | "2b" | "2y", cost, rest] => (Kind::Bcrypt, bcrypt(cost, rest)?),
            ["", "5", ref rest @ ..] => (Kind::ShaCrypt, sha_crypt(rest, SHA256)?),
            ["", "6", ref rest @ ..] => (Kind::ShaCrypt, sha_crypt(rest, SHA512)?),
            ["", "apr1", salt, hash] => (Kind::Apr1, apr1(salt, hash)?),
            ["", "argon2id", ..] => (Kind::Argon2id, argon2id(text)?),
            _ if text.starts_with("{SHA}") || text.starts_with("{SSHA}") => {
                return Err(
                    "{SHA} and {SSHA} are no protection any more: `htpasswd -B FILE NAME` makes a better one",
                );
            }
            _ => return Err(NO_HASH),
        };
        Ok(Self {
            kind,
            text: text.into(),
            cost,
        })
    }

    /// About how long it takes, in microseconds of one processor: good for comparing.
    pub(super) fn cost(&self) -> u64 {
        self.cost
    }

    /// Whether it is the hash of this password. Of bcrypt, the first 72 bytes count, as elsewhere.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        match self.kind {
            Kind::Bcrypt => bcrypt::verify(password, &self.text).is_ok_and(|same| same),
            Kind::ShaCrypt => ShaCrypt::default().verify_password(password, &*self.text).is_ok(),
            Kind::Argon2id => Argon2::default().verify_password(password, &*self.text).is_ok(),
            Kind::Apr1 => {
                let mut parts = self.text.rsplit('$');
                let (hash, salt) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let encoded = apr1::encode(password, salt.as_bytes());
                encoded.ct_eq(hash.as_bytes()).into()
            }
        }
    }
}

fn bcrypt(cost: &str, rest: &str) -> Result<u64, &'static str> {
    let cost: u32 = cost.parse().map_err(|_| NOT_WHOLE)?;
    if rest.len() != BCRYPT || !rest.bytes().all(is_letter) {
        return Err(NOT_WHOLE);
    }
    match cost {
        4..=MAX_BCRYPT_COST => Ok(BCRYPT_UNIT << cost),
        _ => Err("a cost of bcrypt that is not between 4 and 16"),
    }
}

fn sha_crypt(parts: &[&str], length: usize) -> Result<u64, &'static str> {
    let (rounds, hash) = match *parts {
        [_salt, hash] => (USUAL_ROUNDS, hash),
        [rounds, _salt, hash] => {
            let rounds = rounds.strip_prefix("rounds=").ok_or(NOT_WHOLE)?;
            (rounds.parse().map_err(|_| NOT_WHOLE)?, hash)
        }
        _ => return Err(NOT_WHOLE),
    };
    if !(1000..=MAX_SHA_ROUNDS).contains(&rounds) {
        return Err("rounds of SHA-crypt that are not between 1000 and 1000000");
    }
    if hash.len() != length || !hash.bytes().all(is_letter) {
        return Err(NOT_WHOLE);
    }
    Ok(rounds)
}

fn apr1(salt: &str, hash: &str) -> Result<u64, &'static str> {
    let is_whole = hash.len() == apr1::LENGTH && hash.bytes().all(is_letter) && salt.len() <= apr1::SALT;
    match is_whole {
        true => Ok(APR1),
        false => Err(NOT_WHOLE),
    }
}

fn argon2id(text: &str) -> Result<u64, &'static str> {
    let hash = argon2::PasswordHash::new(text).map_err(|_| NOT_WHOLE)?;
    let params = argon2::Params::try_from(&hash).map_err(|_| NOT_WHOLE)?;
    if hash.hash.is_none() {
        return Err(NOT_WHOLE);
    }
    if params.m_cost() > MAX_ARGON2_KIB || params.t_cost() > MAX_ARGON2_PASSES {
        return Err("more memory than 256 MiB, or more passes than 16, for an argon2id");
    }
    Ok(u64::from(params.m_cost()) * u64::from(params.t_cost()))
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}

const NO_HASH: &str =
    "no hash that is known (bcrypt, SHA-crypt, apr1, argon2id): `htpasswd -B FILE NAME` makes one";
const NOT_WHOLE: &str = "a hash that is not whole: `htpasswd -B FILE NAME` makes one";

/// Letters of the salt and the hash.
const BCRYPT: usize = 53;
/// Letters of the hash.
const SHA256: usize = 43;
const SHA512: usize = 86;

/// About eight seconds.
const MAX_BCRYPT_COST: u32 = 16;
/// About a second.
const MAX_SHA_ROUNDS: u64 = 1_000_000;
const MAX_ARGON2_KIB: u32 = 256 * 1024;
const MAX_ARGON2_PASSES: u32 = 16;

/// Microseconds of bcrypt at a cost of 0: a cost of 10 takes about 50 ms.
const BCRYPT_UNIT: u64 = 50;
/// What SHA-crypt does without `rounds=`; a round takes about a microsecond.
const USUAL_ROUNDS: u64 = 5000;
/// Microseconds.
const APR1: u64 = 300;
