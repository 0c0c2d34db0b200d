//! Connections: addresses, and links that one thread drives all at once.

mod address;
mod link;
mod stream;

pub use address::Address;
pub use link::{Link, Peer, pump};
pub use stream::Stream;
