//! Secrets.

use serde_json::json;

use super::Unit;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;
use crate::transport::Secret;

/// A secret, which is read and never shown.
pub(in crate::config) struct SecretText {
    /// Characters that it has at least.
    pub(in crate::config) least: usize,
}

impl Unit<Secret> for SecretText {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Secret> {
        let text = node.text("a string", complaints)?;
        if text.len() < self.least {
            complaints
                .error(
                    node.span.clone(),
                    format!("a secret needs at least {} characters", self.least),
                )
                .help("make one with `openssl rand -hex 32`");
        }
        Some(Secret::new(text.as_bytes()))
    }

    fn show(&self, _: &Secret) -> Shown {
        Shown::Secret
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "secret".to_owned(),
            schema: json!({ "type": "string" }),
        }
    }
}
