//! How much a backend takes and how much of its answer we hold.

use super::head;

/// Limits of one upstream, the same for every protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the variable block, lengths included (uWSGI `buffer-size`).
    pub block: usize,
    /// Variables (uWSGI `max-vars`).
    pub params: usize,
    /// The response head.
    pub head: head::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            block: 65_535,
            params: 1_000,
            head: head::Limits::default(),
        }
    }
}
