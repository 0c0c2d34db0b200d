//! `[app.NAME] env`: variables with values, which may be secrets.

use std::collections::BTreeMap;

use serde_json::json;

use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;
use crate::config::units::Unit;
use crate::transport::Secret;

/// Names with values.
pub(super) struct Environment;

impl Unit<BTreeMap<String, Secret>> for Environment {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<BTreeMap<String, Secret>> {
        let mut variables = BTreeMap::new();
        for (name, value) in &node.table(complaints)?.entries {
            if name.is_empty() || name.contains(['=', '\0']) {
                complaints.error(name.span(), "not a name for a variable of the environment");
            }
            let Some(text) = value.text("a string", complaints) else {
                continue;
            };
            if text.contains('\0') {
                complaints.error(
                    value.span.clone(),
                    "no variable of the environment can have a NUL",
                );
            }
            variables.insert(name.to_string(), Secret::new(text.as_bytes()));
        }
        Some(variables)
    }

    fn show(&self, variables: &BTreeMap<String, Secret>) -> Shown {
        Shown::Table(
            variables
                .keys()
                .map(|name| (name.clone(), Shown::Secret))
                .collect(),
        )
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "table of variables".to_owned(),
            schema: json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        }
    }
}
