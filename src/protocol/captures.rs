//! What the patterns of a route took out of a request, by their names.

use bytes::Bytes;

/// Names with values, decoded: few, and looked through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures(Vec<(String, Bytes)>);

impl Captures {
    /// Gives a name a value; the last one counts.
    pub fn set(&mut self, name: &str, value: Bytes) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value)
    }
}
