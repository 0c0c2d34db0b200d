//! Where the parts of a line end.
//!
//! Eight bytes are looked at together, as one number: most parts of a head are so short that the call of a vector
//! routine costs more than its search.

/// Bytes in front of the first control byte other than a tab; all of them when there is none.
pub(in crate::protocol) fn text_len(bytes: &[u8]) -> usize {
    length(bytes, |word| {
        let low = word & !HIGH;
        let control = !(low + each(0x80 - b' ')) & ((low ^ each(b'\t')) + !HIGH);
        (control | (low + each(1))) & !word
    })
}

/// Bytes in front of the first blank or control byte; all of them when there is none.
#[inline]
pub(in crate::protocol) fn word_len(bytes: &[u8]) -> usize {
    length(bytes, |word| {
        let low = word & !HIGH;
        (!(low + each(0x80 - b'!')) | (low + each(1))) & !word
    })
}

/// Bytes in front of the first blank, control byte or `#`; all of them when there is none.
#[inline]
pub(in crate::protocol) fn reference_len(bytes: &[u8]) -> usize {
    length(bytes, |word| {
        let low = word & !HIGH;
        let other = (low + each(0x80 - b'!')) & ((low ^ each(b'#')) + !HIGH);
        (!other | (low + each(1))) & !word
    })
}

/// Bytes in front of the first blank, control byte, `#` or `?`; all of them when there is none.
#[inline]
pub(in crate::protocol) fn path_len(bytes: &[u8]) -> usize {
    length(bytes, |word| {
        let low = word & !HIGH;
        let mark = ((low ^ each(b'#')) + !HIGH) & ((low ^ each(b'?')) + !HIGH);
        let other = (low + each(0x80 - b'!')) & mark;
        (!other | (low + each(1))) & !word
    })
}

/// Bytes in front of the first `BYTE`, which is ASCII; all of them when there is none.
pub(in crate::protocol) fn len_before<const BYTE: u8>(bytes: &[u8]) -> usize {
    const { assert!(BYTE.is_ascii()) };
    length(bytes, |word| {
        let other = ((word & !HIGH) ^ each(BYTE)) + !HIGH;
        !(other | word)
    })
}

/// Bytes in front of the first that `hits` marks by the highest bit of its place; other bits mean nothing.
#[inline(always)]
fn length(bytes: &[u8], hits: impl Fn(u64) -> u64 + Copy) -> usize {
    match bytes.first_chunk::<NEAR>() {
        None => near(bytes, hits),
        Some(start) => match near(start, hits) {
            NEAR => far(bytes, hits),
            length => length,
        },
    }
}

/// The same, word by word.
#[inline(always)]
fn near(bytes: &[u8], hits: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (index, next) in words.iter().enumerate() {
        let found = hits(u64::from_le_bytes(*next)) & HIGH;
        if found != 0 {
            return index * WORD + first(found);
        }
    }
    match hits(word(rest)) & HIGH {
        0 => bytes.len(),
        found => words.len() * WORD + first(found).min(rest.len()),
    }
}

/// The same for bytes of which nothing near is marked: whole blocks first.
#[inline(never)]
fn far(bytes: &[u8], hits: impl Fn(u64) -> u64 + Copy) -> usize {
    let is_clean = |block: &&[u8; NEAR]| {
        let words = block.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        words.fold(0, |found, word| found | hits(word)) & HIGH == 0
    };
    let clean = NEAR * bytes.as_chunks().0.iter().take_while(is_clean).count();
    clean + near(&bytes[clean..], hits)
}

/// The first of the marked places.
#[inline(always)]
fn first(found: u64) -> usize {
    (found.trailing_zeros() / 8) as usize
}

/// The first eight bytes as a number, or as many as there are with zeros behind them.
#[inline(always)]
pub(super) fn word(bytes: &[u8]) -> u64 {
    let size = bytes.len();
    let (start, end) = match (bytes.first_chunk(), bytes.first_chunk(), bytes.last_chunk()) {
        (Some(whole), _, _) => return u64::from_le_bytes(*whole),
        (_, Some(start), Some(end)) => (u32::from_le_bytes(*start), u32::from_le_bytes(*end)),
        _ => {
            let byte = |at: usize| bytes.get(at).map_or(0, |byte| u64::from(*byte) << (8 * at));
            return byte(0) | byte(1) | byte(2);
        }
    };
    u64::from(start) | u64::from(end) << (8 * (size - 4))
}

/// A byte at all eight places.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}

/// The highest bit of each place.
const HIGH: u64 = each(0x80);

const WORD: usize = 8;

/// Bytes after which a part is long, and is looked at in blocks of as many.
const NEAR: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of texts up to three blocks.
    fn check(length: impl Fn(&[u8]) -> usize, hit: impl Fn(u8) -> bool) {
        for size in [
            0,
            1,
            7,
            8,
            9,
            15,
            NEAR - 1,
            NEAR,
            NEAR + 1,
            2 * NEAR,
            2 * NEAR + 9,
        ] {
            let plain = vec![b'x'; size];
            assert_eq!(length(&plain), size);
            for at in 0..size {
                for byte in 0..=u8::MAX {
                    let mut text = plain.clone();
                    text[at] = byte;
                    assert_eq!(length(&text), if hit(byte) { at } else { size }, "{byte} at {at}");
                }
            }
        }
    }

    #[test]
    fn a_text_ends_at_a_control_byte() {
        check(text_len, |byte| byte != b'\t' && byte.is_ascii_control());
    }

    #[test]
    fn a_word_ends_at_a_blank_or_a_control_byte() {
        check(word_len, |byte| byte == b' ' || byte.is_ascii_control());
    }

    #[test]
    fn a_reference_ends_at_its_fragment_too() {
        check(reference_len, |byte| {
            matches!(byte, b' ' | b'#') || byte.is_ascii_control()
        });
    }

    #[test]
    fn a_path_ends_at_its_query_too() {
        check(path_len, |byte| {
            matches!(byte, b' ' | b'#' | b'?') || byte.is_ascii_control()
        });
    }

    #[test]
    fn any_byte_is_found() {
        check(len_before::<0>, |byte| byte == 0);
        check(len_before::<b':'>, |byte| byte == b':');
        check(len_before::<0x7f>, |byte| byte == 0x7f);
    }

    #[test]
    fn a_word_has_the_bytes_that_are_there() {
        let text = b"abcdefghi";
        for size in 0..=text.len() {
            let mut expected = [0; WORD];
            expected[..size.min(WORD)].copy_from_slice(&text[..size.min(WORD)]);
            assert_eq!(word(&text[..size]), u64::from_le_bytes(expected), "{size}");
        }
    }

    #[test]
    fn the_first_of_several_counts() {
        for size in 2..2 * NEAR {
            for at in 0..size {
                let mut text = vec![0x8d; size];
                text[at..].fill(b'\r');
                assert_eq!(
                    (text_len(&text), word_len(&text), len_before::<b'\r'>(&text)),
                    (at, at, at)
                );
            }
        }
    }
}
