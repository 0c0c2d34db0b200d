//! Variables as a list: for showing them, and for tests.

use bytes::{Bytes, BytesMut};

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
        let mut pair = (
            BytesMut::with_capacity(name.len()),
            BytesMut::with_capacity(value.len()),
        );
        name.put(&mut pair.0);
        value.put(&mut pair.1);
        self.0.push((pair.0.freeze(), pair.1.freeze()));
        Ok(())
    }
}
