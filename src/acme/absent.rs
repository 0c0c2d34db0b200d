//! The names of this module in a program without TLS: no certificate is got.

use super::store::Store;

/// None can be found.
#[derive(Clone, Debug)]
pub struct Challenges(());

impl Challenges {
    /// Those of a store.
    pub fn of(_store: Store) -> Self {
        Self(())
    }

    /// There is none.
    pub fn http(&self, _token: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
