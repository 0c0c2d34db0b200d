//! Whole numbers with a range; a text of digits will do, so that `"${WORKERS}"` can be written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Expected, Visitor};

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<const MIN: u32, const MAX: u32>(pub u32);

/// Slots of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slots {
    /// The number of workers.
    Fixed(u32),
    /// `"auto"`: the number is found out.
    Auto,
}

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
        deserializer.deserialize_any(SlotsVisitor)
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
        let mut schema = within(1, Slots::MAX);
        schema.insert("pattern".to_owned(), r"^\s*([0-9]+|auto)\s*$|\$\{".into());
        schema
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
    type Value = Slots;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 1 to {}, or \"auto\"", Slots::MAX)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Slots, E> {
        let known = u32::try_from(number)
            .ok()
            .filter(|number| (1..=Slots::MAX).contains(number));
        known.map(Slots::Fixed).ok_or_else(|| {
            E::custom(format_args!(
                "expected {}, found `{number}`",
                &self as &dyn Expected
            ))
        })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Slots, E> {
        match text.trim() {
            "auto" => Ok(Slots::Auto),
            number => match number.parse() {
                Ok(number) => self.visit_i64(number),
                Err(_) => Err(E::custom(format_args!(
                    "expected {}, found `{text}`",
                    &self as &dyn Expected
                ))),
            },
        }
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
