//! Units with one more rule.

use super::Unit;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::Node;
use crate::config::shown::Shown;

/// What another unit reads, with a rule of its own.
pub(in crate::config) struct Checked<U, T> {
    pub(in crate::config) unit: U,
    /// What the values are, if the unit's words do not say it.
    pub(in crate::config) words: Option<&'static str>,
    /// Complains about values that break the rule.
    pub(in crate::config) check: fn(&At<T>, &mut Complaints),
}

impl<T: Clone, U: Unit<T>> Unit<T> for Checked<U, T> {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<T> {
        let value = At::new(node.span.clone(), self.unit.read(node, complaints)?);
        (self.check)(&value, complaints);
        Some(T::clone(&value))
    }

    fn show(&self, value: &T) -> Shown {
        self.unit.show(value)
    }

    fn form(&self) -> Form {
        match (self.unit.form(), self.words) {
            (Form::Value { schema, .. }, Some(words)) => Form::Value {
                words: words.to_owned(),
                schema,
            },
            (form, _) => form,
        }
    }
}
