//! The variables of a request, in order.

use super::request::Field;

/// A list in which names are there once.
pub(super) struct Variables(pub(super) Vec<Field>);

impl Variables {
    /// Sets a variable that is not there yet.
    pub(super) fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.0.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
    }

    /// The value of a variable.
    pub(super) fn value_mut(&mut self, name: &[u8]) -> Option<&mut Vec<u8>> {
        let found = self.0.iter_mut().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }
}
