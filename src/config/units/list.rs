//! Arrays.

use serde_json::json;

use super::Unit;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;

/// An array of what the other unit reads. Elements that cannot be read are left out.
pub(in crate::config) struct List<U>(pub(in crate::config) U);

impl<T, U: Unit<T>> Unit<Vec<T>> for List<U> {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Vec<T>> {
        let nodes = node.list(complaints)?;
        let mut items = Vec::with_capacity(nodes.len());
        for item in nodes {
            match self.0.read(item, complaints) {
                Some(item) => items.push(item),
                None => complaints.damage(node.span.clone()),
            }
        }
        Some(items)
    }

    fn show(&self, items: &Vec<T>) -> Shown {
        Shown::list(items.iter().map(|item| self.0.show(item)))
    }

    fn form(&self) -> Form {
        match self.0.form() {
            Form::Value { words, schema } => Form::Value {
                words: format!("[{words}, …]"),
                schema: json!({ "type": "array", "items": schema }),
            },
            Form::Table(layout) | Form::Switch(layout) | Form::Tables(layout) | Form::Named(layout) => {
                Form::Tables(layout)
            }
        }
    }
}
