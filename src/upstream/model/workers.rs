//! How many workers an endpoint has.

/// What an endpoint said about the number of its workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// It has so many.
    Exactly(usize),
    /// It has so many or more.
    AtLeast(usize),
    /// It said nothing that could be used.
    Unknown,
}
