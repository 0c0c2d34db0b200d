//! Whole numbers with a range; a text of digits will do, so that `"${WORKERS}"` can be written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Expected, Visitor};

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<const MIN: u32, const MAX: u32>(pub u32);

/// Slots of an endpoint: a number now, a measured one when the word `auto` is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots(pub u32);

impl<const MIN: u32, const MAX: u32> Number<MIN, MAX> {
    /// The number as a count of things in memory.
    pub fn count(self) -> usize {
        self.0 as usize
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Within(MIN, MAX)).map(Self)
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Number<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Number{MIN}to{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        within(MIN, MAX)
    }
}

impl<'de> Deserialize<'de> for Slots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SlotsVisitor).map(Self)
    }
}

impl JsonSchema for Slots {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Slots".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        within(1, Slots::MAX)
    }
}

impl Slots {
    /// More workers than any machine runs, and within what a semaphore counts.
    const MAX: u32 = 65_535;
}

/// Accepts whole numbers between two bounds.
struct Within(u32, u32);

impl Visitor<'_> for Within {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.0, self.1)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        u32::try_from(number)
            .ok()
            .filter(|number| (self.0..=self.1).contains(number))
            .ok_or_else(|| {
                E::custom(format_args!(
                    "expected {}, found `{number}`",
                    &self as &dyn Expected
                ))
            })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u32, E> {
        match text.trim().parse() {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::custom(format_args!(
                "expected {}, found `{text}`",
                &self as &dyn Expected
            ))),
        }
    }
}

struct SlotsVisitor;

impl Visitor<'_> for SlotsVisitor {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Visitor::expecting(&Within(1, Slots::MAX), f)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        Within(1, Slots::MAX).visit_i64(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u32, E> {
        if text.trim() == "auto" {
            return Err(E::custom(
                "`auto` is not available yet\nwrite the number of workers: pm.max_children, processes x threads, …",
            ));
        }
        Within(1, Slots::MAX).visit_str(text)
    }
}

fn within(min: u32, max: u32) -> Schema {
    json_schema!({
        "type": ["integer", "string"],
        "minimum": min,
        "maximum": max,
        "pattern": r"^\s*[0-9]+\s*$|\$\{",
    })
}
