//! `[snippet.NAME]`: read where it is used.

use serde_json::json;

use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::units::Unit;

/// Tables with names, whose keys are those of routes.
pub(in crate::config) struct Snippets;

impl Unit<()> for Snippets {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<()> {
        for (_, snippet) in &node.table(complaints)?.entries {
            if !matches!(snippet.value, Value::Table(_)) {
                snippet.refuse("a table", complaints);
            }
        }
        Some(())
    }

    fn show(&self, _snippets: &()) -> Shown {
        Shown::Named(Vec::new())
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "tables with names".to_owned(),
            schema: json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/Route" } }),
        }
    }
}
