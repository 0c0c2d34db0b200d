//! What a route does to the fields of a message: of requests on their way to applications, of answers on their way to
//! clients.

use crate::protocol::RequestHead;
use crate::protocol::fields::{FieldValue, Fields};
use crate::variables::Template;

/// Changes, in this order: fields are removed, set, given where there is none of the name, and added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldRules {
    /// Names of fields that go.
    pub remove: Vec<String>,
    /// Fields in place of those of the same names that are the same for all requests.
    pub fixed: Fields,
    /// Others in place of those of the same names.
    pub computed: Vec<(String, Template)>,
    /// Fields where there is none of the name.
    pub default: Vec<(String, Template)>,
    /// Fields besides those of the same names.
    pub add: Vec<(String, Template)>,
}

impl FieldRules {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.fixed.is_empty() && !self.has_templates()
    }

    /// Whether there are values with variables.
    pub fn has_templates(&self) -> bool {
        let computed = [&self.computed, &self.default, &self.add];
        computed.iter().any(|rules| !rules.is_empty())
    }

    /// Changes the fields of a message that belongs to a request. A variable may hold what no field can: the field is left
    /// out then, as it is without a value.
    pub fn apply(&self, head: &RequestHead, fields: &mut Fields) {
        for name in &self.remove {
            fields.remove_named(name.as_bytes());
        }
        fields.set_all(&self.fixed);
        for (name, template) in &self.computed {
            fields.remove_named(name.as_bytes());
            append(name, template, head, fields);
        }
        for (name, template) in &self.default {
            if !fields.contains_named(name.as_bytes()) {
                append(name, template, head, fields);
            }
        }
        for (name, template) in &self.add {
            append(name, template, head, fields);
        }
    }
}

fn append(name: &str, template: &Template, head: &RequestHead, fields: &mut Fields) {
    let mut value = Vec::new();
    template.write(head, &mut |piece| value.extend_from_slice(piece));
    if let Some(value) = FieldValue::new(&value).filter(|_| !value.is_empty()) {
        fields.append_named(name.as_bytes(), value);
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::protocol::samples;

    #[test]
    fn fields_are_removed_set_given_and_added_in_this_order() {
        let rule = |name: &str, text: &str| vec![(name.to_owned(), text.parse::<Template>().unwrap())];
        let rules = FieldRules {
            remove: vec!["x-gone".into(), "X-Again".into()],
            fixed: Fields::from_iter([("X-Set", "new")]),
            computed: rule("X-Method", "$request_method"),
            default: [
                rule("X-Kept", "no"),
                rule("x-again", "default"),
                rule("x-empty", "$arg_none"),
            ]
            .concat(),
            add: rule("X-Kept", "too"),
        };
        let mut fields = Fields::from_iter([
            ("x-gone", "1"),
            ("x-again", "1"),
            ("x-set", "old"),
            ("x-kept", "yes"),
        ]);
        rules.apply(&samples::request(Method::PUT), &mut fields);
        let lines: Vec<String> = fields
            .iter()
            .map(|field| format!("{}={}", field.spelling.escape_ascii(), field.value.escape_ascii()))
            .collect();
        assert_eq!(
            lines,
            [
                "x-kept=yes",
                "X-Set=new",
                "X-Method=PUT",
                "x-again=default",
                "X-Kept=too"
            ]
        );
    }
}
