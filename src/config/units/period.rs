//! Durations: `500ms`, `30s`, `1m30s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::json;

use super::{Checked, Unit, split};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// Durations, zero among them.
pub(in crate::config) struct Time;

/// Durations that leave time to meet them.
pub(in crate::config) const DEADLINE: Checked<Time, Duration> = Checked {
    unit: Time,
    words: Some("duration above zero"),
    check: deadline,
};

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// No digits where a number should be.
    #[error("expected a duration such as \"30s\"")]
    NoNumber,
    /// A number alone; holds it.
    #[error("`{0}` has no unit of time")]
    NoUnit(String),
    /// A unit that does not exist.
    #[error("`{0}` is not a unit of time")]
    Unit(String),
    /// More than a year.
    #[error("the duration is longer than 365 days")]
    TooLong,
}

impl PeriodError {
    /// What to write instead.
    pub fn help(&self) -> String {
        match self {
            Self::NoUnit(number) => {
                format!("write \"{number}s\" for seconds, \"{number}ms\" for milliseconds")
            }
            Self::NoNumber | Self::Unit(_) | Self::TooLong => {
                "durations are whole numbers with ms, s, m, h or d: \"500ms\", \"30s\", \"1m30s\"".into()
            }
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let mut total = 0_u64;
        let mut rest = text.trim();
        loop {
            let (milliseconds, tail) = part(rest)?;
            total = total.checked_add(milliseconds).ok_or(PeriodError::TooLong)?;
            rest = tail.trim_start();
            if rest.is_empty() {
                break;
            }
        }
        if total > MAX {
            return Err(PeriodError::TooLong);
        }
        Ok(Self(Duration::from_millis(total)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.as_millis();
        let exact = |(_, milliseconds): &&(&str, u64)| total.is_multiple_of(u128::from(*milliseconds));
        match UNITS.iter().rev().find(exact) {
            Some((unit, milliseconds)) if total > 0 => {
                write!(f, "{}{unit}", total / u128::from(*milliseconds))
            }
            _ => write!(f, "0s"),
        }
    }
}

impl Unit<Duration> for Time {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Duration> {
        let parsed = match &node.value {
            Value::Integer(number) => number.to_string().parse(),
            _ => node.text("a duration such as \"30s\"", complaints)?.parse(),
        };
        let error: PeriodError = match parsed {
            Ok(Period(duration)) => return Some(duration),
            Err(error) => error,
        };
        complaints
            .error(node.span.clone(), error.to_string())
            .help(error.help());
        None
    }

    fn show(&self, duration: &Duration) -> Shown {
        Shown::text(&Period(*duration).to_string())
    }

    fn form(&self) -> Form {
        let schema = json!({
            "type": "string",
            "pattern": r"^(\s*([0-9]+\s*(ms|s|m|h|d)\s*)+)$|\$\{",
        });
        let words = "duration".to_owned();
        Form::Value { words, schema }
    }
}

fn deadline(duration: &At<Duration>, complaints: &mut Complaints) {
    if duration.is_zero() {
        complaints
            .error(duration.span(), "a deadline of zero would be missed every time")
            .help("for a deadline that is never missed write \"365d\"");
    }
}

/// One number with its unit, in milliseconds, and what follows it.
fn part(text: &str) -> Result<(u64, &str), PeriodError> {
    let (digits, tail) = split(text);
    if digits.is_empty() {
        return Err(PeriodError::NoNumber);
    }
    let end = tail
        .find(|c: char| c.is_ascii_digit() || c.is_whitespace())
        .unwrap_or(tail.len());
    let (unit, rest) = tail.split_at(end);
    if unit.is_empty() {
        return Err(PeriodError::NoUnit(digits.to_owned()));
    }
    let milliseconds = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, milliseconds)| milliseconds);
    let milliseconds = milliseconds.ok_or_else(|| PeriodError::Unit(unit.to_owned()))?;
    let number = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*milliseconds));
    Ok((number.ok_or(PeriodError::TooLong)?, rest))
}

/// A year, in milliseconds: no wait is longer, and adding it to any clock cannot overflow.
const MAX: u64 = 365 * 24 * 60 * 60 * 1000;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("d", 24 * 60 * 60 * 1000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("2d", 172_800_000),
            ("1m30s", 90_000),
            (" 1h 5 ms ", 3_600_005),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Period(Duration::from_millis(milliseconds))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_duration_prints_in_its_largest_exact_unit() {
        for (milliseconds, text) in [(0, "0s"), (1500, "1500ms"), (90_000, "90s"), (3_600_000, "1h")] {
            assert_eq!(Period(Duration::from_millis(milliseconds)).to_string(), text);
            assert_eq!(text.parse(), Ok(Period(Duration::from_millis(milliseconds))));
        }
    }

    #[test]
    fn each_mistake_has_its_own_name() {
        let error = |text: &str| text.parse::<Period>().unwrap_err();
        assert_eq!(error(""), PeriodError::NoNumber);
        assert_eq!(error("s"), PeriodError::NoNumber);
        assert_eq!(error("30"), PeriodError::NoUnit("30".into()));
        assert_eq!(error("1m30"), PeriodError::NoUnit("30".into()));
        assert_eq!(error("1.5s"), PeriodError::Unit(".".into()));
        assert_eq!(error("3 weeks"), PeriodError::Unit("weeks".into()));
        assert_eq!(error("366d"), PeriodError::TooLong);
        assert_eq!(error("99999999999999999999d"), PeriodError::TooLong);
    }
}
