//! Text of clients inside the quotes of a log line.
//!
//! Nearly every text has nothing to escape: it is looked through in blocks, and copied as it is.

/// Appends as nginx does: `\xHH` for what is not printable ASCII, the quote and the backslash.
#[inline]
pub fn combined(value: &[u8], out: &mut Vec<u8>) {
    if all_plain(value) {
        out.extend_from_slice(value);
    } else {
        combined_runs(value, out);
    }
}

/// Appends as RFC 8259, section 7, has it; bytes that are no UTF-8 become U+FFFD.
#[inline]
pub fn json(value: &[u8], out: &mut Vec<u8>) {
    if all_plain(value) {
        out.extend_from_slice(value);
    } else {
        json_runs(value, out);
    }
}

/// Escapes what was appended from `start` on, as [`combined`] does.
#[inline]
pub fn combined_from(start: usize, out: &mut Vec<u8>) {
    if !all_plain(&out[start..]) {
        again(start, out, combined_runs);
    }
}

/// Escapes what was appended from `start` on, as [`json`] does.
#[inline]
pub fn json_from(start: usize, out: &mut Vec<u8>) {
    if !all_plain(&out[start..]) {
        again(start, out, json_runs);
    }
}

#[cold]
fn again(start: usize, out: &mut Vec<u8>, write: fn(&[u8], &mut Vec<u8>)) {
    let value = out.split_off(start);
    write(&value, out);
}

#[cold]
fn combined_runs(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(odd) = rest.iter().position(|byte| !is_plain(*byte)) {
        let (before, from) = rest.split_at(odd);
        let [high, low] = nibbles(b"0123456789ABCDEF", from[0]);
        out.extend_from_slice(before);
        out.extend_from_slice(&[b'\\', b'x', high, low]);
        rest = &from[1..];
    }
    out.extend_from_slice(rest);
}

#[cold]
fn json_runs(value: &[u8], out: &mut Vec<u8>) {
    // Also U+0080 to U+009F are control characters: terminals act on them.
    let is_odd = |c: char| c.is_control() || matches!(c, '"' | '\\');
    for chunk in value.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some((at, odd)) = rest.char_indices().find(|(_, c)| is_odd(*c)) {
            out.extend_from_slice(&rest.as_bytes()[..at]);
            character(odd, out);
            rest = &rest[at + odd.len_utf8()..];
        }
        out.extend_from_slice(rest.as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// Control characters are below U+0100.
fn character(odd: char, out: &mut Vec<u8>) {
    match odd {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        control => {
            let [high, low] = nibbles(b"0123456789abcdef", control as u8);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    }
}

fn nibbles(digits: &[u8; 16], byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0xF].map(|nibble| digits[usize::from(nibble)])
}

/// Whether both formats write all bytes as they are.
#[inline]
fn all_plain(value: &[u8]) -> bool {
    // Overlaps the block before it.
    let Some(last) = value.last_chunk::<BLOCK>() else {
        return value.iter().all(|byte| is_plain(*byte));
    };
    let (blocks, _) = value.as_chunks::<BLOCK>();
    let mut odd = [0; BLOCK];
    for block in blocks {
        mark_odd(&mut odd, block);
    }
    mark_odd(&mut odd, last);
    u128::from_ne_bytes(odd) == 0
}

/// Adds the places where the block has something to escape. Without branches: the compiler makes it a few vector
/// instructions.
#[inline]
fn mark_odd(odd: &mut [u8; BLOCK], block: &[u8; BLOCK]) {
    for (odd, byte) in odd.iter_mut().zip(block) {
        *odd |= if is_plain(*byte) { 0 } else { u8::MAX };
    }
}

/// Printable ASCII without the quote and the backslash.
#[inline]
fn is_plain(byte: u8) -> bool {
    (byte.wrapping_sub(b' ') < 0x5F) & (byte != b'"') & (byte != b'\\')
}

/// Bytes that are looked at together: a vector register.
const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    /// Each byte by itself, by `core::fmt`.
    fn expected_combined(value: &[u8]) -> String {
        let mut text = String::new();
        for byte in value {
            match byte {
                b'"' | b'\\' | ..b' ' | 0x7F.. => write!(text, "\\x{byte:02X}").unwrap(),
                plain => text.push(char::from(*plain)),
            }
        }
        text
    }

    /// Each character by itself, by `core::fmt`.
    fn expected_json(value: &[u8]) -> String {
        let mut text = String::new();
        for c in String::from_utf8_lossy(value).chars() {
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                c if c.is_control() => write!(text, "\\u{:04x}", u32::from(c)).unwrap(),
                c => text.push(c),
            }
        }
        text
    }

    fn check(value: &[u8]) {
        for (write, expected) in [
            (combined as fn(&[u8], &mut Vec<u8>), expected_combined(value)),
            (json, expected_json(value)),
        ] {
            let mut out = b"before ".to_vec();
            write(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("before {expected}"));
        }
        for (escape, expected) in [
            (combined_from as fn(usize, &mut Vec<u8>), expected_combined(value)),
            (json_from, expected_json(value)),
        ] {
            let mut out = [b"\"before\" ", value].concat();
            escape(9, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"before\" {expected}"));
        }
    }

    #[test]
    fn every_byte_is_escaped_at_every_place() {
        for length in [1, 3, 15, 16, 17, 33] {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut value = vec![b'a'; length];
                    value[at] = byte;
                    check(&value);
                }
            }
        }
    }

    #[test]
    fn every_character_below_u_0800_is_written_or_escaped() {
        for c in '\0'..'\u{800}' {
            check(format!("a{c}b").as_bytes());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_escaped(text: String) {
            check(text.as_bytes());
        }

        #[test]
        fn any_bytes_are_escaped(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            check(&bytes);
        }

        #[test]
        fn bytes_that_are_plain_but_for_few_are_escaped(
            mut bytes in proptest::collection::vec(b' '..=b'~', 1..200),
            odd in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..3),
        ) {
            for (at, byte) in odd {
                *at.get_mut(&mut bytes) = byte;
            }
            check(&bytes);
        }
    }
}
