//! The value of a field, as a variable gives it.

use super::TemplateError;
use crate::protocol::fields::{FieldName, Fields, is_token};

/// A field by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedField {
    /// Well-known ones are found without a look at their spelling.
    known: FieldName,
    /// In lower case.
    name: String,
}

impl NamedField {
    /// The field that a variable beginning with `prefix` names: `x-user` for `http_x_user`.
    pub fn of(variable: &str, prefix: &str) -> Option<Result<Self, TemplateError>> {
        let name = variable.strip_prefix(prefix)?.replace('_', "-");
        if !is_token(name.as_bytes()) {
            return Some(Err(TemplateError::Field(variable.to_owned())));
        }
        let known = FieldName::of(name.as_bytes());
        Some(Ok(Self { known, name }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives its values to `sink`, joined as RFC 9110, section 5.2 says; cookies as RFC 9113, section 8.2.3 does.
    pub fn write(&self, fields: &Fields, sink: &mut dyn FnMut(&[u8])) {
        match self.known {
            FieldName::Other => self.join(fields.all_named(self.name.as_bytes()), sink),
            known if fields.repeated().contains(known) => self.join(fields.all(known), sink),
            known => fields.get(known).into_iter().for_each(sink),
        }
    }

    fn join<'a>(&self, values: impl Iterator<Item = &'a [u8]>, sink: &mut dyn FnMut(&[u8])) {
        let comma: &[u8] = match self.known {
            FieldName::Cookie => b"; ",
            _ => b", ",
        };
        for (number, value) in values.enumerate() {
            if number > 0 {
                sink(comma);
            }
            sink(value);
        }
    }
}
