//! What is counted for keys that others choose: clients, users, sessions.
//!
//! A key is kept as a [`KeyHash`], whatever its length, and nothing tells a key from its hash. A [`Table`] holds the
//! states of so many keys and no more: of one too many, the key that was idle for longest goes. What a state is, is for
//! whatever counts: [`Gcra`] is the arithmetic of rates.

pub mod gcra;
pub mod key;
mod shard;
pub mod state;
pub mod table;

pub use gcra::{Gcra, Verdict};
pub use key::{KeyHash, KeyHasher, Secret};
pub use state::State;
pub use table::Table;
