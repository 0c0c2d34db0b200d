//! Names of files in directories.

use serde_json::json;

use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;
use crate::config::units::Unit;

/// The name of a file in a directory; holds an example.
pub(super) struct FileName(pub(super) &'static str);

impl Unit<String> for FileName {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<String> {
        let (text, example) = (node.text("a string", complaints)?, self.0);
        if text.is_empty() || text.contains(['/', '\0']) || text.starts_with('.') {
            complaints
                .error(node.span.clone(), "not the name of a file in a directory")
                .help(format!("write a name without slashes, such as \"{example}\""));
        }
        Some(text.to_owned())
    }

    fn show(&self, name: &String) -> Shown {
        Shown::text(name)
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "file name".to_owned(),
            schema: json!({ "type": "string" }),
        }
    }
}
