//! Keys as they are kept.

use std::hash::{BuildHasher, DefaultHasher, Hasher as _, RandomState};

/// A key: 128 bits of a hash with a secret, so that keys that meet are not to be had by choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash {
    pub(super) place: u64,
    pub(super) check: u64,
}

/// The secret of a table: another one for each.
#[derive(Clone, Debug, Default)]
pub struct Secret {
    place: RandomState,
    check: RandomState,
}

/// Makes a hash out of the pieces of a key.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    place: DefaultHasher,
    check: DefaultHasher,
    length: usize,
}

impl Secret {
    /// A hash of nothing yet.
    pub fn hasher(&self) -> KeyHasher {
        KeyHasher {
            place: self.place.build_hasher(),
            check: self.check.build_hasher(),
            length: 0,
        }
    }

    /// The hash of a key in one piece.
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        let mut hasher = self.hasher();
        hasher.write(key);
        hasher.finish()
    }
}

impl KeyHasher {
    /// The next piece.
    pub fn write(&mut self, piece: &[u8]) {
        self.place.write(piece);
        self.check.write(piece);
        self.length += piece.len();
    }

    /// Whether there was none, or only empty ones.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The key that the pieces are.
    pub fn finish(&self) -> KeyHash {
        KeyHash {
            place: self.place.finish(),
            check: self.check.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_bytes_whatever_the_pieces_are() {
        let secret = Secret::default();
        let mut pieces = secret.hasher();
        assert!(pieces.is_empty());
        for piece in [&b"192.0"[..], b"", b".2.1"] {
            pieces.write(piece);
        }
        assert!(!pieces.is_empty());
        assert_eq!(pieces.finish(), secret.hash(b"192.0.2.1"));
        assert_ne!(pieces.finish(), secret.hash(b"192.0.2.2"));
    }

    #[test]
    fn no_two_tables_have_the_same_secret() {
        let (one, other) = (Secret::default().hash(b"a"), Secret::default().hash(b"a"));
        assert!(one.place != other.place && one.check != other.check);
        assert!(one.place != one.check);
    }
}
