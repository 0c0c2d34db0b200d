//! Where variables go: every protocol's block writer is a [`Sink`], and none of them sees a temporary string.

use bytes::BytesMut;
use http::HeaderName;
use http::header::{GetAll, HeaderValue};

use crate::protocol::EncodeError;

/// Takes one variable after the other and puts it into the protocol's block.
pub trait Sink {
    /// Appends one variable, or says why the backend would not take it.
    fn param(&mut self, name: Name<'_>, value: Value<'_>) -> Result<(), EncodeError>;
}

/// The name of a variable.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// As it is.
    Plain(&'a str),
    /// `HTTP_` and the field name in upper case, with underscores for hyphens.
    Field(&'a HeaderName),
}

/// The value of a variable, in whatever form it exists.
#[derive(Debug)]
pub enum Value<'a> {
    /// Bytes as they are.
    One(&'a [u8]),
    /// Two pieces, one behind the other.
    Pair(&'a [u8], &'a [u8]),
    /// All values of a field, joined.
    Joined {
        /// The values in the order of arrival.
        values: GetAll<'a, HeaderValue>,
        /// Between two values: `", "`, or `"; "` for cookies.
        separator: &'static [u8],
    },
    /// A number in decimal digits.
    Number(u64),
}

impl Name<'_> {
    /// Bytes that `fill` and `put` write.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Plain(name) => name.len(),
            Self::Field(name) => FIELD_PREFIX.len() + name.as_str().len(),
        }
    }

    /// Whether the name has no bytes: no protocol carries such a variable.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the name into a slice of exactly its length.
    #[inline]
    pub fn fill(&self, out: &mut [u8]) {
        match self {
            Self::Plain(name) => out.copy_from_slice(name.as_bytes()),
            Self::Field(name) => {
                let (prefix, rest) = out.split_at_mut(FIELD_PREFIX.len());
                prefix.copy_from_slice(FIELD_PREFIX);
                for (out, byte) in rest.iter_mut().zip(name.as_str().as_bytes()) {
                    *out = variable_byte(*byte);
                }
            }
        }
    }

    /// Appends the name.
    pub fn put(&self, out: &mut BytesMut) {
        self.fill(grow(out, self.len()));
    }

    /// Whether the written name is `other`.
    pub fn is(&self, other: &str) -> bool {
        match self {
            Self::Plain(name) => *name == other,
            Self::Field(name) => {
                let folded = name.as_str().bytes().map(variable_byte);
                other
                    .as_bytes()
                    .strip_prefix(FIELD_PREFIX)
                    .is_some_and(|rest| folded.eq(rest.iter().copied()))
            }
        }
    }
}

impl Value<'_> {
    /// Bytes that `fill` and `put` write.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Pair(first, second) => first.len() + second.len(),
            Self::Joined { values, separator } => {
                let (count, bytes) = values.iter().fold((0usize, 0), |(count, bytes), value| {
                    (count + 1, bytes + value.len())
                });
                bytes + count.saturating_sub(1) * separator.len()
            }
            Self::Number(number) => decimal_len(*number),
        }
    }

    /// Whether the value has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the value into a slice of exactly its length.
    #[inline]
    pub fn fill(&self, out: &mut [u8]) {
        match self {
            Self::One(bytes) => out.copy_from_slice(bytes),
            Self::Pair(first, second) => {
                let rest = fill_front(out, first);
                rest.copy_from_slice(second);
            }
            Self::Joined { values, separator } => fill_joined(values, separator, out),
            Self::Number(number) => fill_decimal(*number, out),
        }
    }

    /// Appends the value.
    pub fn put(&self, out: &mut BytesMut) {
        self.fill(grow(out, self.len()));
    }
}

/// Appends `count` bytes, to be filled.
#[inline]
pub fn grow(out: &mut BytesMut, count: usize) -> &mut [u8] {
    let start = out.len();
    out.resize(start + count, 0);
    &mut out[start..]
}

/// NUL bytes among `bytes`. The block writers count those that they write themselves, in lengths or as
/// separators: one more in the finished block, and a name or a value has brought it.
#[inline]
pub fn count_nul(bytes: &[u8]) -> usize {
    memchr::memchr_iter(0, bytes).count()
}

fn fill_joined(values: &GetAll<'_, HeaderValue>, separator: &[u8], mut out: &mut [u8]) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out = fill_front(out, separator);
        }
        out = fill_front(out, value.as_bytes());
    }
}

/// Writes `bytes` to the front of `out`; what is behind them.
fn fill_front<'a>(out: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (front, rest) = out.split_at_mut(bytes.len());
    front.copy_from_slice(bytes);
    rest
}

/// Writes a number from its last digit to its first.
pub(crate) fn fill_decimal(mut number: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Digits of a number in decimal.
pub(crate) fn decimal_len(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Field names are lower case in `HeaderName`.
#[inline]
fn variable_byte(byte: u8) -> u8 {
    match byte {
        b'-' => b'_',
        other => other.to_ascii_uppercase(),
    }
}

/// What RFC 3875 puts in front of a request field.
const FIELD_PREFIX: &[u8] = b"HTTP_";

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn put_name(name: Name<'_>) -> BytesMut {
        let mut out = BytesMut::new();
        name.put(&mut out);
        assert_eq!(out.len(), name.len());
        out
    }

    fn put_value(value: Value<'_>) -> BytesMut {
        let mut out = BytesMut::new();
        value.put(&mut out);
        assert_eq!(out.len(), value.len());
        out
    }

    #[test]
    fn field_names_become_variable_names() {
        let name = HeaderName::from_static("x-forwarded-for");
        assert_eq!(put_name(Name::Field(&name)), "HTTP_X_FORWARDED_FOR");
        assert_eq!(put_name(Name::Plain("QUERY_STRING")), "QUERY_STRING");
    }

    #[test]
    fn repeated_fields_are_joined_in_order() {
        let mut headers = HeaderMap::new();
        headers.append("x-dup", HeaderValue::from_static("1"));
        headers.append("x-dup", HeaderValue::from_static("22"));
        headers.append("x-dup", HeaderValue::from_static("333"));
        let joined = |name| Value::Joined {
            values: headers.get_all(name),
            separator: b", ",
        };
        assert_eq!(put_value(joined("x-dup")), "1, 22, 333");
        assert_eq!(put_value(joined("x-none")), "");
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 1, 9, 10, 99, 100, 65_535, u64::MAX] {
            assert_eq!(put_value(Value::Number(number)), number.to_string().as_bytes());
        }
    }

    #[test]
    fn every_nul_is_counted() {
        assert_eq!(count_nul(b"a long value, longer than a register\0"), 1);
        assert_eq!((count_nul(b"\0A\0"), count_nul(b"ab"), count_nul(b"")), (2, 0, 0));
    }
}
