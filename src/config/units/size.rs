//! Sizes in bytes: `512`, `64KiB`, `1GiB`.

use std::fmt;
use std::str::FromStr;

use serde_json::json;

use super::{Unit, split};
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// Sizes with bounds, in bytes.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct SizeWithin {
    pub(in crate::config) least: u64,
    pub(in crate::config) most: u64,
}

/// Any size.
pub(in crate::config) const ANY_SIZE: SizeWithin = SizeWithin { least: 0, most: MAX };

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

impl Unit<u64> for SizeWithin {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<u64> {
        let size = match &node.value {
            Value::Integer(bytes) => match u64::try_from(*bytes) {
                Ok(bytes) => Size(bytes),
                Err(_) => {
                    complaints.error(node.span.clone(), "a size cannot be negative");
                    return None;
                }
            },
            _ => self.parse(node, complaints)?,
        };
        let (least, most) = (Size(self.least), Size(self.most));
        if size < least {
            complaints.error(node.span.clone(), format!("too small: at least {least}"));
        } else if size > most {
            complaints.error(node.span.clone(), format!("too large: at most {most}"));
        }
        Some(size.0)
    }

    fn show(&self, bytes: &u64) -> Shown {
        Shown::text(&Size(*bytes).to_string())
    }

    fn form(&self) -> Form {
        let (least, most) = (Size(self.least), Size(self.most));
        let words = match (self.least, self.most) {
            (0, MAX) => "size".to_owned(),
            (0, _) => format!("size up to {most}"),
            _ => format!("size from {least} to {most}"),
        };
        let schema = json!({
            "type": ["string", "integer"],
            "pattern": r"^(\s*[0-9]+\s*(B|KiB|MiB|GiB|TiB)?\s*)$|\$\{",
            "minimum": self.least,
            "maximum": self.most,
        });
        Form::Value { words, schema }
    }
}

/// A size of something in memory.
impl Unit<usize> for SizeWithin {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<usize> {
        let bytes: u64 = self.read(node, complaints)?;
        Some(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    fn show(&self, bytes: &usize) -> Shown {
        self.show(&(*bytes as u64))
    }

    fn form(&self) -> Form {
        Unit::<u64>::form(self)
    }
}

impl SizeWithin {
    fn parse(&self, node: &Node, complaints: &mut Complaints) -> Option<Size> {
        let text = node.text("a size such as \"64KiB\"", complaints)?;
        match text.parse::<Size>() {
            Ok(size) => Some(size),
            Err(error) => {
                complaints
                    .error(node.span.clone(), error.to_string())
                    .help(error.help());
                None
            }
        }
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
