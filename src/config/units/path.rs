//! Absolute paths of this machine.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use serde_json::json;

use super::Unit;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;

/// An absolute path; holds the words for what it is the path of.
pub(in crate::config) struct Absolute(pub(in crate::config) &'static str);

impl Unit<PathBuf> for Absolute {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<PathBuf> {
        let text: String = self.read(node, complaints)?;
        Some(text.into())
    }

    /// Paths come from TOML, which is UTF-8.
    fn show(&self, path: &PathBuf) -> Shown {
        Shown::text(&path.to_string_lossy())
    }

    fn form(&self) -> Form {
        Unit::<String>::form(self)
    }
}

/// For paths that go to the application as text.
impl Unit<String> for Absolute {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<String> {
        let text = node.text("a string", complaints)?;
        Some(self.check(text, node.span.clone(), complaints).to_owned())
    }

    fn show(&self, path: &String) -> Shown {
        Shown::text(path)
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "absolute path".to_owned(),
            schema: json!({ "type": "string" }),
        }
    }
}

impl Absolute {
    /// Complains about a text that is no absolute path.
    pub(in crate::config) fn check<'a>(
        &self,
        text: &'a str,
        span: Range<usize>,
        complaints: &mut Complaints,
    ) -> &'a str {
        let (path, what) = (Path::new(text), self.0);
        if text.contains('\0') {
            complaints.error(span, format!("the path of {what} has a NUL in it"));
        } else if !path.is_absolute() {
            complaints
                .error(span, format!("the path of {what} is not absolute"))
                .help("begin it with a slash; what it would be relative to depends on how Bridgehead is started");
        } else if path.components().any(|part| part == Component::ParentDir) {
            complaints
                .error(span, format!("the path of {what} has `..` in it"))
                .help("write where it leads to");
        }
        text
    }
}
