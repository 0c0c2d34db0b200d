//! `[app.NAME] nice`.

use serde_json::json;

use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::units::Unit;

/// A niceness, as setpriority(2) takes it.
pub(super) struct Nice;

impl Unit<i32> for Nice {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<i32> {
        let number = match &node.value {
            Value::Integer(number) => i32::try_from(*number).ok(),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let nice = number.filter(|number| (-20..=19).contains(number));
        if nice.is_none() {
            complaints.error(node.span.clone(), "expected a whole number from -20 to 19");
        }
        nice
    }

    fn show(&self, nice: &i32) -> Shown {
        Shown::plain(nice)
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "number from -20 to 19".to_owned(),
            schema: json!({ "type": ["integer", "string"], "minimum": -20, "maximum": 19 }),
        }
    }
}
