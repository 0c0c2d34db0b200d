//! Whole numbers with a range; a text of digits will do, so that `"${WORKERS}"` can be written.

use serde_json::{Value as Json, json};

use super::Unit;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;

/// A whole number from the first to the second.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Number(pub(in crate::config) u32, pub(in crate::config) u32);

impl Unit<u32> for Number {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<u32> {
        self.parse(node, &self.words(), complaints)
    }

    fn show(&self, number: &u32) -> Shown {
        Shown::plain(number)
    }

    fn form(&self) -> Form {
        Form::Value {
            words: format!("number from {} to {}", self.0, self.1),
            schema: self.schema("^\\s*[0-9]+\\s*$|\\$\\{"),
        }
    }
}

/// A count of things in memory.
impl Unit<usize> for Number {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<usize> {
        let number: u32 = self.read(node, complaints)?;
        Some(number as usize)
    }

    fn show(&self, number: &usize) -> Shown {
        Shown::plain(number)
    }

    fn form(&self) -> Form {
        Unit::<u32>::form(self)
    }
}

/// A port.
impl Unit<u16> for Number {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<u16> {
        let number: u32 = self.read(node, complaints)?;
        u16::try_from(number).ok()
    }

    fn show(&self, number: &u16) -> Shown {
        Shown::plain(number)
    }

    fn form(&self) -> Form {
        Unit::<u32>::form(self)
    }
}

/// A byte.
impl Unit<u8> for Number {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<u8> {
        let number: u32 = self.read(node, complaints)?;
        u8::try_from(number).ok()
    }

    fn show(&self, number: &u8) -> Shown {
        Shown::plain(number)
    }

    fn form(&self) -> Form {
        Unit::<u32>::form(self)
    }
}

impl Number {
    /// The range, as complaints say it.
    pub(in crate::config) fn words(&self) -> String {
        format!("a whole number from {} to {}", self.0, self.1)
    }

    /// Reads a number; what is none is not what was `expected`.
    pub(in crate::config) fn parse(
        &self,
        node: &Node,
        expected: &str,
        complaints: &mut Complaints,
    ) -> Option<u32> {
        let (found, number) = match &node.value {
            Value::Integer(number) => (number.to_string(), Some(*number)),
            Value::Text(text) => (text.clone(), text.trim().parse().ok()),
            _ => {
                node.refuse(expected, complaints);
                return None;
            }
        };
        let number = number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (self.0..=self.1).contains(number));
        if number.is_none() {
            complaints.error(node.span.clone(), format!("expected {expected}, found `{found}`"));
        }
        number
    }

    /// As JSON Schema; `pattern` is what a text has to look like.
    pub(in crate::config) fn schema(&self, pattern: &str) -> Json {
        json!({
            "type": ["integer", "string"],
            "minimum": self.0,
            "maximum": self.1,
            "pattern": pattern,
        })
    }
}
