//! Strings and what they stand for, and true or false.

use serde_json::json;

use super::Unit;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;

/// Any string.
pub(in crate::config) struct Plain;

/// A string that means something: how to find out, and how to say it again.
pub(in crate::config) struct Text<T> {
    /// What it is, in words.
    pub(in crate::config) words: &'static str,
    /// What a string means; `None` after a complaint.
    pub(in crate::config) read: fn(&At<String>, &mut Complaints) -> Option<T>,
    /// The string that means the value.
    pub(in crate::config) show: fn(&T) -> String,
}

/// `true` or `false`.
pub(in crate::config) struct Flag;

impl Unit<String> for Plain {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<String> {
        node.text("a string", complaints).map(str::to_owned)
    }

    fn show(&self, text: &String) -> Shown {
        Shown::text(text)
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "string".to_owned(),
            schema: json!({ "type": "string" }),
        }
    }
}

impl<T> Unit<T> for Text<T> {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<T> {
        let text = Plain.read(node, complaints)?;
        (self.read)(&At::new(node.span.clone(), text), complaints)
    }

    fn show(&self, value: &T) -> Shown {
        Shown::text(&(self.show)(value))
    }

    fn form(&self) -> Form {
        Form::Value {
            words: self.words.to_owned(),
            schema: json!({ "type": "string" }),
        }
    }
}

impl Unit<bool> for Flag {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<bool> {
        match node.value {
            Value::Flag(flag) => Some(flag),
            _ => {
                node.refuse("true or false", complaints);
                None
            }
        }
    }

    fn show(&self, flag: &bool) -> Shown {
        Shown::plain(flag)
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "`true` or `false`".to_owned(),
            schema: json!({ "type": "boolean" }),
        }
    }
}
