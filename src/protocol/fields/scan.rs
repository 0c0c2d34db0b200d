//! Where the parts of a line end.
//!
//! Eight bytes are looked at together, as one number: most parts of a head are so short that the call of a vector
//! routine costs more than its search.

/// Bytes in front of the first control byte other than a tab; all of them when there is none.
#[inline]
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

/// Bytes in front of the first `byte`, which is ASCII; all of them when there is none.
#[inline]
pub(in crate::protocol) fn len_before(byte: u8, bytes: &[u8]) -> usize {
    debug_assert!(byte.is_ascii());
    length(bytes, |word| {
        let other = ((word & !HIGH) ^ each(byte)) + !HIGH;
        !(other | word)
    })
}

/// Bytes in front of the first that `hits` marks by the highest bit of its place; other bits mean nothing.
#[inline(always)]
fn length(bytes: &[u8], hits: impl Fn(u64) -> u64) -> usize {
    let mut clean = 0;
    if let Some((start, more)) = bytes.split_first_chunk::<BLOCK>() {
        clean = within(start, &hits);
        if clean == BLOCK {
            let marks = |block: &[u8; BLOCK]| {
                let words = block.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
                words.fold(0, |found, word| found | hits(word)) & HIGH
            };
            let blocks = more.as_chunks().0.iter();
            clean += BLOCK * blocks.take_while(|block| marks(block) == 0).count();
        } else {
            return clean;
        }
    }
    clean + within(&bytes[clean..], &hits)
}

/// The same, word by word.
#[inline(always)]
fn within(bytes: &[u8], hits: impl Fn(u64) -> u64) -> usize {
    let first = |word| {
        let found = hits(word) & HIGH;
        (found != 0).then_some((found.trailing_zeros() / 8) as usize)
    };
    let (words, rest) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        if let Some(at) = first(u64::from_le_bytes(*word)) {
            return index * WORD + at;
        }
    }
    let size = bytes.len();
    match bytes.last_chunk() {
        _ if rest.is_empty() => size,
        // What is in front of the rest is clean.
        Some(last) => first(u64::from_le_bytes(*last)).map_or(size, |at| size - WORD + at),
        None => {
            let word = rest.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte));
            first(word).map_or(size, |at| at.min(size))
        }
    }
}

/// A byte at all eight places.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}

/// The highest bit of each place.
const HIGH: u64 = each(0x80);

const WORD: usize = 8;

/// Bytes that are looked at together where a part is long.
const BLOCK: usize = 32;

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
            BLOCK - 1,
            BLOCK,
            BLOCK + 1,
            2 * BLOCK,
            2 * BLOCK + 9,
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
    fn any_byte_is_found() {
        for wanted in [0, b':', 0x7f] {
            check(|text| len_before(wanted, text), |byte| byte == wanted);
        }
    }

    #[test]
    fn the_first_of_several_counts() {
        for size in 2..2 * BLOCK {
            for at in 0..size {
                let mut text = vec![0x8d; size];
                text[at..].fill(b'\r');
                assert_eq!(
                    (text_len(&text), word_len(&text), len_before(b'\r', &text)),
                    (at, at, at)
                );
            }
        }
    }
}
