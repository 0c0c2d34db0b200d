//! Connections: addresses, and links that one thread drives all at once.

mod address;
mod link;
mod socket;
mod stream;

pub use address::Address;
pub use link::{Link, Peer, pump};
pub(crate) use socket::remove_stale;
pub use socket::{SocketFile, connect_abstract, listen, listen_abstract};
pub use stream::Stream;
