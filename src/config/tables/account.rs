//! Names of users and groups. Whether they exist is known where the gateway runs, not where its file is checked.

use serde_json::json;

use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;
use crate::config::units::Unit;

/// The name or number of a `user` or `group`, as the system would take it.
pub(super) struct Account(pub(super) &'static str);

impl Unit<String> for Account {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<String> {
        let (text, what) = (node.text("a string", complaints)?, self.0);
        // What would end or split a line of passwd(5) or group(5).
        let strange = |c: char| c == ':' || c == '/' || c.is_whitespace() || c.is_control();
        if text.is_empty() || text.contains(strange) {
            complaints
                .error(node.span.clone(), format!("not the name of a {what}"))
                .help(format!(
                    "write the {what}'s name or number, such as \"www-data\" or \"33\""
                ));
        }
        Some(text.to_owned())
    }

    fn show(&self, account: &String) -> Shown {
        Shown::text(account)
    }

    fn form(&self) -> Form {
        Form::Value {
            words: self.0.to_owned(),
            schema: json!({ "type": "string" }),
        }
    }
}
