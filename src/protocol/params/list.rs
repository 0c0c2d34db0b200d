//! Variables as a list: for showing them, and for tests.

use bytes::Bytes;

use super::{Name, Sink, Value};
use crate::protocol::EncodeError;

/// Collects every variable in the order of the walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<(Bytes, Bytes)>);

impl List {
    /// The first variable of that name.
    pub fn first(&self, name: &str) -> Option<&Bytes> {
        self.0
            .iter()
            .find(|(own, _)| own == name.as_bytes())
            .map(|(_, value)| value)
    }
}

impl Sink for List {
    fn param(&mut self, name: Name<'_>, value: Value<'_>) -> Result<(), EncodeError> {
        let mut pair = (Vec::with_capacity(name.len()), Vec::with_capacity(value.len()));
        name.put(&mut pair.0);
        value.put(&mut pair.1);
        self.0.push((pair.0.into(), pair.1.into()));
        Ok(())
    }
}
