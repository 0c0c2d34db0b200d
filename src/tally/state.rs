//! What a table keeps of its keys.

/// What is kept of a key. A key that is new has the default.
pub trait State: Default {
    /// Whether it says at `now` no more than the state of a key that is new.
    fn is_idle(&self, now: u64) -> bool;

    /// Whether something relies on it, so that its key may not go.
    fn is_held(&self) -> bool {
        false
    }
}
