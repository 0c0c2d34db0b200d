//! Arrays that need not be written as such when they hold one value.

use serde_json::json;

use super::{List, Unit};
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;

/// What the other unit reads, or an array of it.
pub(in crate::config) struct OneOrMore<U>(pub(in crate::config) U);

impl<T, U: Unit<T>> Unit<Vec<T>> for OneOrMore<U> {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Vec<T>> {
        match &node.value {
            Value::List(items) if items.is_empty() => {
                complaints
                    .error(node.span.clone(), "there is nothing in it")
                    .help("write one at least, or leave the key out");
                None
            }
            Value::List(_) => List(&self.0).read(node, complaints),
            _ => self.0.read(node, complaints).map(|item| vec![item]),
        }
    }

    fn show(&self, items: &Vec<T>) -> Shown {
        match items.as_slice() {
            [item] => self.0.show(item),
            _ => List(&self.0).show(items),
        }
    }

    fn form(&self) -> Form {
        match self.0.form() {
            Form::Value { words, schema } => Form::Value {
                words: format!("{words}, or [{words}, …]"),
                schema: json!({ "anyOf": [schema, { "type": "array", "items": schema, "minItems": 1 }] }),
            },
            form => form,
        }
    }
}
