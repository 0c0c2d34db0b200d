//! What a route changes of a request on its way to its application.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;

use super::field_rules::FieldRules;
use crate::protocol::RequestHead;
use crate::variables::Template;

/// What an application gets in place of what the client has sent, and besides it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Onward {
    /// Changes of its fields.
    pub fields: FieldRules,
    /// Variables.
    pub params: ExtraParams,
    /// The method, if not the client's.
    pub method: Option<Method>,
}

/// Variables that a route adds, in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraParams {
    /// Those that are the same for all requests.
    pub fixed: Arc<[(String, Bytes)]>,
    /// The others.
    pub computed: Vec<(String, Template)>,
}

impl Default for ExtraParams {
    fn default() -> Self {
        Self {
            fixed: Arc::from([]),
            computed: Vec::new(),
        }
    }
}

impl ExtraParams {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.computed.is_empty()
    }

    fn of(&self, head: &RequestHead) -> Arc<[(String, Bytes)]> {
        if self.computed.is_empty() {
            return self.fixed.clone();
        }
        let computed = self.computed.iter().map(|(name, template)| {
            let mut value = Vec::new();
            template.write(head, &mut |piece| value.extend_from_slice(piece));
            (name.clone(), Bytes::from(value))
        });
        self.fixed.iter().cloned().chain(computed).collect()
    }
}

impl Onward {
    /// Whether the request goes on as it is.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.params.is_empty() && self.method.is_none()
    }

    /// Changes a request whose client is known.
    pub fn apply(&self, head: &mut RequestHead) {
        let extra = self.params.of(head);
        if !self.fields.is_empty() {
            // Variables are those of the request that came.
            let mut fields = head.fields.clone();
            self.fields.apply(head, &mut fields);
            head.fields = fields;
        }
        head.extra = extra;
        if let Some(method) = &self.method {
            head.routed.get_or_insert_default().method = Some(method.clone());
        }
    }
}
