//! A value and its place in the file.

use std::cmp::Ordering;
use std::ops::{Deref, Range};

/// A value and the bytes of the file that it was read from.
#[derive(Clone, Debug, Default)]
pub(super) struct At<T> {
    value: T,
    span: Range<usize>,
}

impl<T> At<T> {
    pub(super) fn new(span: Range<usize>, value: T) -> Self {
        Self { value, span }
    }

    /// A value that was not read from the file.
    pub(super) fn nowhere(value: T) -> Self {
        Self { value, span: 0..0 }
    }

    /// Where it stands; of a table with a head of its own, where the head stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Keys are compared by what they say.
impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: PartialOrd> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}
