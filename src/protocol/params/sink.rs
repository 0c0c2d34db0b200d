//! Where variables go: every protocol's block writer is a [`Sink`], and none of them sees a temporary string.

use bytes::BufMut;

use crate::protocol::EncodeError;
use crate::protocol::fields::{self, Field, FieldName, Fields, scan};

/// Takes one variable after the other and puts it into the protocol's block.
pub trait Sink {
    /// Appends one variable, or says why the backend would not take it.
    fn param(&mut self, name: Name<'_>, value: Value<'_>) -> Result<(), EncodeError>;

    /// [`param`](Self::param) for a literal name and bytes that cannot hold a NUL: three variables of four.
    /// A sink may have a shorter way for them.
    #[inline]
    fn text(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.param(Name::Literal(name), Value::Text(value))
    }

    /// [`text`](Self::text) for bytes that may hold a NUL.
    #[inline]
    fn bytes(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.param(Name::Literal(name), Value::One(value))
    }
}

/// The bytes, if none of them is a NUL: no protocol's application takes one.
#[inline(always)]
pub(in crate::protocol) fn without_nul(bytes: &[u8]) -> Result<&[u8], EncodeError> {
    match scan::len_before::<0>(bytes) == bytes.len() {
        true => Ok(bytes),
        false => Err(EncodeError::Nul),
    }
}

/// The lengths of the name and the value of a variable that an application can take: there is no NUL in it.
#[inline(always)]
pub(in crate::protocol) fn lengths(
    name: &Name<'_>,
    value: &Value<'_>,
) -> Result<(usize, usize), EncodeError> {
    match name.has_nul() || value.has_nul() {
        false => Ok((name.len(), value.len())),
        true => Err(EncodeError::Nul),
    }
}

/// The name of a variable.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// One of ours, as it is: it holds no NUL.
    Literal(&'a str),
    /// Of the operator, as it is.
    Plain(&'a str),
    /// `HTTP_` and the spelling of a field name in upper case, with underscores for hyphens.
    Field(&'a [u8]),
}

/// The value of a variable, in whatever form it exists.
#[derive(Debug)]
pub enum Value<'a> {
    /// Bytes that cannot hold a NUL, by the type that they come from.
    Text(&'a [u8]),
    /// Bytes as they are.
    One(&'a [u8]),
    /// Two pieces, one behind the other.
    Pair(&'a [u8], &'a [u8]),
    /// All values of a field's name, joined in the order of arrival.
    Joined {
        /// All fields.
        fields: &'a Fields,
        /// One of those that are joined.
        field: &'a Field<'a>,
        /// Between two values: `", "`, or `"; "` for cookies.
        separator: &'static [u8],
    },
    /// A number in decimal digits.
    Number(u64),
}

impl<'a> Name<'a> {
    /// The variable that a request field becomes (RFC 3875, section 4.1.18).
    #[inline]
    pub fn of(field: &Field<'a>) -> Self {
        match field.name {
            FieldName::Other => Self::Field(field.spelling),
            known => Self::Literal(known.variable()),
        }
    }

    /// Bytes that `put` writes.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Literal(name) | Self::Plain(name) => name.len(),
            Self::Field(name) => FIELD_PREFIX.len() + name.len(),
        }
    }

    /// Whether the name has no bytes: no protocol carries such a variable.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the name.
    #[inline]
    pub fn put(&self, out: &mut impl BufMut) {
        match self {
            Self::Literal(name) | Self::Plain(name) => out.put_slice(name.as_bytes()),
            Self::Field(name) => {
                out.put_slice(FIELD_PREFIX);
                name.iter().for_each(|byte| out.put_u8(variable_byte(*byte)));
            }
        }
    }

    /// Whether the written name is `other`.
    pub fn is(&self, other: &str) -> bool {
        match self {
            Self::Literal(name) | Self::Plain(name) => *name == other,
            Self::Field(name) => {
                let folded = name.iter().copied().map(variable_byte);
                other
                    .as_bytes()
                    .strip_prefix(FIELD_PREFIX)
                    .is_some_and(|rest| folded.eq(rest.iter().copied()))
            }
        }
    }

    /// Whether a NUL byte is in the name; a field name cannot hold one.
    pub fn has_nul(&self) -> bool {
        match self {
            Self::Plain(name) => memchr::memchr(0, name.as_bytes()).is_some(),
            Self::Literal(_) | Self::Field(_) => false,
        }
    }
}

impl Value<'_> {
    /// Bytes that `put` writes.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::One(bytes) => bytes.len(),
            Self::Pair(first, second) => first.len() + second.len(),
            Self::Joined {
                fields,
                field,
                separator,
            } => {
                let values = fields.all_of(field);
                let (count, bytes) = values.fold((0usize, 0), |(count, bytes), value| {
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

    /// Appends the value.
    #[inline]
    pub fn put(&self, out: &mut impl BufMut) {
        match self {
            Self::Text(bytes) | Self::One(bytes) => out.put_slice(bytes),
            Self::Pair(first, second) => {
                out.put_slice(first);
                out.put_slice(second);
            }
            Self::Joined {
                fields,
                field,
                separator,
            } => {
                for (index, value) in fields.all_of(field).enumerate() {
                    if index > 0 {
                        out.put_slice(separator);
                    }
                    out.put_slice(value);
                }
            }
            Self::Number(number) => out.put_slice(fields::decimal(*number, &mut [0; fields::DIGITS])),
        }
    }

    /// Whether a NUL byte is in the value; a field value cannot hold one.
    pub fn has_nul(&self) -> bool {
        match self {
            Self::One(bytes) => memchr::memchr(0, bytes).is_some(),
            Self::Pair(first, second) => [first, second]
                .iter()
                .any(|bytes| memchr::memchr(0, bytes).is_some()),
            Self::Text(_) | Self::Joined { .. } | Self::Number(_) => false,
        }
    }
}

/// Digits of a number in decimal.
pub(crate) fn decimal_len(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// A byte of a field name as it is in a variable name.
#[inline]
fn variable_byte(byte: u8) -> u8 {
    VARIABLE_BYTES[usize::from(byte)]
}

/// Upper case, and an underscore for a hyphen. A table: every byte of every field passes here.
const VARIABLE_BYTES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).to_ascii_uppercase();
        byte += 1;
    }
    table[b'-' as usize] = b'_';
    table
};

/// What RFC 3875 puts in front of a request field.
const FIELD_PREFIX: &[u8] = b"HTTP_";

#[cfg(test)]
mod tests {
    use super::*;

    fn put_name(name: Name<'_>) -> String {
        let mut out = Vec::new();
        name.put(&mut out);
        assert_eq!(out.len(), name.len());
        String::from_utf8(out).unwrap()
    }

    fn put_value(value: Value<'_>) -> String {
        let mut out = Vec::new();
        value.put(&mut out);
        assert_eq!(out.len(), value.len());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn field_names_become_variable_names() {
        let fields: Fields = [("x-forwarded-for", "1"), ("x-Own9", "2")].into_iter().collect();
        let names: Vec<_> = fields.iter().map(|field| put_name(Name::of(&field))).collect();
        assert_eq!(names, ["HTTP_X_FORWARDED_FOR", "HTTP_X_OWN9"]);
        assert_eq!(put_name(Name::Plain("QUERY_STRING")), "QUERY_STRING");
    }

    #[test]
    fn repeated_fields_are_joined_in_order() {
        let pairs = [
            ("X-dup", "1"),
            ("Via", "a"),
            ("x-Dup", "22"),
            ("via", "b"),
            ("x-dup", "333"),
        ];
        let fields: Fields = pairs.into_iter().collect();
        let firsts = fields.iter().filter(|field| !field.again);
        let joined = firsts.map(|field| {
            put_value(Value::Joined {
                fields: &fields,
                field: &field,
                separator: b", ",
            })
        });
        assert_eq!(joined.collect::<Vec<_>>(), ["1, 22, 333", "a, b"]);
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 1, 9, 10, 99, 100, 65_535, u64::MAX] {
            assert_eq!(put_value(Value::Number(number)), number.to_string());
        }
    }

    #[test]
    fn nul_is_found_in_names_and_values() {
        assert!(Value::One(b"a\0b").has_nul());
        assert!(Name::Plain("A\0").has_nul());
        assert!(!Value::One(b"ab").has_nul());
    }
}
