//! Bytes that both sides can make from an id: the bodies of requests and answers. `examples/apps/ledger` makes the
//! same.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Content of `length` bytes that belongs to `id`: no block of it fits another id, or another place.
pub(crate) fn content(id: &str, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + BLOCK);
    let mut number = 0;
    while bytes.len() < length {
        let digits = digest(format!("{id}/{number}").as_bytes());
        bytes.extend_from_slice(digits.repeat(BLOCK / digits.len()).as_bytes());
        number += 1;
    }
    bytes.truncate(length);
    bytes
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            // A String takes everything.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

const BLOCK: usize = 1024; // bytes that one digest fills

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_cut_to_its_length_and_begins_with_the_first_digest() {
        assert_eq!(
            content("a", 70),
            format!("{0}{1}", digest(b"a/0"), &digest(b"a/0")[..6]).into_bytes()
        );
        assert_eq!(content("a", 1030)[1024..], digest(b"a/1").as_bytes()[..6]);
        assert!(content("a", 0).is_empty());
    }

    #[test]
    fn a_digest_is_the_known_one() {
        assert_eq!(
            digest(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
