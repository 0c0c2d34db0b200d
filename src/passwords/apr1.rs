//! Apache's variant of MD5-crypt, `$apr1$SALT$HASH`: a thousand rounds of MD5, and an alphabet of its own
//! (`apr_md5_encode` of the Apache Portable Runtime).

use md5::{Digest, Md5};

/// The 22 letters of a password.
pub(super) fn encode(password: &[u8], salt: &[u8]) -> [u8; LENGTH] {
    letters(&digest(password, salt))
}

fn digest(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let mut inner = Md5::new();
    for part in [password, salt, password] {
        inner.update(part);
    }
    let inner = inner.finalize();
    let mut outer = Md5::new();
    for part in [password, MAGIC, salt] {
        outer.update(part);
    }
    let whole = inner.iter().copied().cycle().take(password.len());
    outer.update(whole.collect::<Vec<_>>());
    // One byte for each bit of the length, from the lowest: none, or the first of the password.
    let mut bits = password.len();
    while bits > 0 {
        outer.update(match bits & 1 {
            1 => &[0][..],
            _ => &password[..1],
        });
        bits >>= 1;
    }
    let mut digest: [u8; 16] = outer.finalize().into();
    for round in 0..ROUNDS {
        let is_odd = round % 2 == 1;
        let mut next = Md5::new();
        next.update(if is_odd { password } else { &digest[..] });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if is_odd { &digest[..] } else { password });
        digest = next.finalize().into();
    }
    digest
}

/// Six bits a letter, the lowest first; the bytes in an order of their own.
fn letters(digest: &[u8; 16]) -> [u8; LENGTH] {
    let mut letters = [0; LENGTH];
    let groups = (0..5).map(|at| {
        [
            digest[at],
            digest[at + 6],
            digest[if at == 4 { 5 } else { at + 12 }],
        ]
    });
    let (whole, last) = letters.split_at_mut(20);
    for (out, [high, middle, low]) in whole.chunks_mut(4).zip(groups) {
        put(u32::from_be_bytes([0, high, middle, low]), out);
    }
    put(u32::from(digest[11]), last);
    letters
}

fn put(mut bits: u32, out: &mut [u8]) {
    for letter in out {
        *letter = ALPHABET[(bits & 0x3f) as usize];
        bits >>= 6;
    }
}

const MAGIC: &[u8] = b"$apr1$";
const ROUNDS: usize = 1000;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters of a hash.
pub(super) const LENGTH: usize = 22;

/// Letters of a salt that count.
pub(super) const SALT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// By `openssl passwd -apr1 -salt`.
    #[test]
    fn lengths_and_salts_of_all_kinds_are_encoded_as_elsewhere() {
        for (password, salt, expected) in VECTORS {
            let encoded = encode(password.as_bytes(), salt.as_bytes());
            assert_eq!(std::str::from_utf8(&encoded).unwrap(), expected, "{password}");
        }
    }

    const VECTORS: [(&str, &str, &str); 5] = [
        ("x", "a", "CwOs8ZUV1Vmp.iAwImfTn1"),
        ("geheim", "k9ffr7FQ", "joR0kSYV3w3k53z0SwPri0"),
        ("exactly16letters", "12345678", "/rWAU9I/vXG0SkMGkksdg0"),
        ("seventeen letters", "./..AZaz", "AgeYYNwx4Bhou8TxF.lvH0"),
        (
            "a password that is longer than two blocks of the digest, by far",
            "saltsalt",
            "N4ERMIMBWwH1VvTjYWvd//",
        ),
    ];
}
