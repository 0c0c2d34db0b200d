//! Sizes in bytes: `512`, `64KiB`, `1GiB`.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::split;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// Why a text is not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// No digits at the start.
    #[error("expected a size such as \"64KiB\"")]
    NoNumber,
    /// A unit with two meanings, or with a missing `B`; holds what is meant most likely.
    #[error("`{0}` can mean 1000 or 1024")]
    Ambiguous(String, String),
    /// A unit that does not exist.
    #[error("`{0}` is not a unit of size")]
    Unit(String),
    /// More than 2^63 - 1 bytes.
    #[error("the size is too large")]
    TooLarge,
}

impl SizeError {
    /// What to write instead.
    pub fn help(&self) -> String {
        match self {
            Self::Ambiguous(_, instead) => format!("write \"{instead}\""),
            Self::NoNumber | Self::Unit(_) | Self::TooLarge => {
                "sizes are written as bytes or with B, KiB, MiB, GiB or TiB: \"512\", \"64KiB\", \"1GiB\""
                    .into()
            }
        }
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let (digits, unit) = split(text.trim());
        if digits.is_empty() {
            return Err(SizeError::NoNumber);
        }
        let factor = match unit {
            "" => 1,
            unit => factor(digits, unit)?,
        };
        digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(factor))
            .filter(|bytes| *bytes <= MAX)
            .map(Self)
            .ok_or(SizeError::TooLarge)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |(_, bytes): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*bytes);
        match UNITS.iter().rev().find(exact) {
            Some((unit, bytes)) => write!(f, "{}{unit}", self.0 / bytes),
            None => write!(f, "0B"),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A size: bytes, or a text such as \"64KiB\".",
            "type": ["string", "integer"],
            "pattern": r"^(\s*[0-9]+\s*(B|KiB|MiB|GiB|TiB)?\s*)$|\$\{",
            "minimum": 0,
        })
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as \"64KiB\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
        text.parse()
            .map_err(|error: SizeError| E::custom(format_args!("{error}\n{}", error.help())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Size, E> {
        u64::try_from(number)
            .map(Size)
            .map_err(|_| E::custom("a size cannot be negative"))
    }
}

/// Bytes in one `unit`; short and decimal spellings are answered with what was meant most likely.
fn factor(digits: &str, unit: &str) -> Result<u64, SizeError> {
    if let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) {
        return Ok(*bytes);
    }
    let initial = unit.chars().next().map(|c| c.to_ascii_uppercase());
    let near = UNITS.iter().find(|(name, _)| name.chars().next() == initial);
    match near {
        Some((name, _)) if unit.len() <= name.len() => {
            Err(SizeError::Ambiguous(unit.to_owned(), format!("{digits}{name}")))
        }
        _ => Err(SizeError::Unit(unit.to_owned())),
    }
}

/// What TOML can hold as an integer.
const MAX: u64 = i64::MAX as u64;

const UNITS: [(&str, u64); 5] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("1B", 1),
            ("64KiB", 65_536),
            (" 2 MiB ", 2 << 20),
            ("1GiB", 1 << 30),
            ("3TiB", 3 << 40),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn a_size_prints_in_its_largest_exact_unit() {
        for bytes in [0, 1, 1023, 1024, 1536, 65_536, 1 << 30, 5 << 40] {
            let text = Size(bytes).to_string();
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        assert_eq!(Size(1536).to_string(), "1536B");
        assert_eq!(Size(65_536).to_string(), "64KiB");
    }

    #[test]
    fn each_mistake_has_its_own_name() {
        let error = |text: &str| text.parse::<Size>().unwrap_err();
        assert_eq!(error(""), SizeError::NoNumber);
        assert_eq!(error("-1KiB"), SizeError::NoNumber);
        assert_eq!(error("64k"), SizeError::Ambiguous("k".into(), "64KiB".into()));
        assert_eq!(error("1MB"), SizeError::Ambiguous("MB".into(), "1MiB".into()));
        assert_eq!(error("1.5GiB"), SizeError::Unit(".5GiB".into()));
        assert_eq!(error("99999999TiB"), SizeError::TooLarge);
        assert_eq!(error("99999999999999999999999"), SizeError::TooLarge);
    }
}
