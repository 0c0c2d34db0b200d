//! What a field line may consist of (RFC 9110, sections 5.5 and 5.6.2).

use super::scan;

/// Bytes that may be a field's value: no control byte but the tab, so that no line can end in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldValue<'a>(&'a [u8]);

impl<'a> FieldValue<'a> {
    /// `None` when a byte is not permitted.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (!has_control(bytes)).then_some(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl<'a> From<&'a http::HeaderValue> for FieldValue<'a> {
    fn from(value: &'a http::HeaderValue) -> Self {
        Self(value.as_bytes())
    }
}

impl From<&'static str> for FieldValue<'static> {
    /// # Panics
    ///
    /// When a byte is not permitted: literals of ours alone are `'static`.
    fn from(text: &'static str) -> Self {
        assert!(!has_control(text.as_bytes()), "{text:?} is no field value");
        Self(text.as_bytes())
    }
}

/// Whether a byte is a control byte other than the tab.
#[inline]
pub fn has_control(bytes: &[u8]) -> bool {
    scan::text_len(bytes) < bytes.len()
}

/// Whether bytes are a token: what methods and field names are made of.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

/// Whether a byte may be in a token.
#[inline]
pub fn is_token_byte(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// The value without the blanks around it (RFC 9110, section 5.6.3).
#[inline]
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', inner @ ..] | [inner @ .., b' ' | b'\t'] = text {
        text = inner;
    }
    text
}

/// The members of a comma-separated list, blanks and empty members dropped (RFC 9110, section 5.6.1).
pub fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(
            byte as u8,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
                | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        );
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bytes_are_no_value() {
        for byte in 0..=u8::MAX {
            let permitted = byte == b'\t' || byte >= b' ' && byte != 0x7f;
            for length in [1, 15, 16, 33] {
                let mut bytes = vec![b'x'; length];
                bytes[length / 2] = byte;
                assert_eq!(FieldValue::new(&bytes).is_some(), permitted, "{byte}");
            }
        }
    }

    #[test]
    fn tokens_are_the_tokens_of_the_http_crate() {
        for byte in 0..=u8::MAX {
            assert_eq!(
                is_token_byte(byte),
                http::HeaderName::from_bytes(&[byte]).is_ok(),
                "{byte}"
            );
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn blanks_around_a_value_are_not_part_of_it() {
        for (text, inner) in [(" a b\t", "a b"), ("", ""), (" \t ", ""), ("a", "a")] {
            assert_eq!(trim(text.as_bytes()), inner.as_bytes());
        }
        let found: Vec<_> = members(b" close ,\t,X-A").collect();
        assert_eq!(found, [b"close".as_slice(), b"X-A"]);
    }
}
