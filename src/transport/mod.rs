//! Bytes in and out: addresses and names, listeners, outgoing connections, one stream type over TCP, unix
//! sockets and TLS.
//!
//! Knows neither HTTP nor any backend protocol.

pub mod access;
pub mod account;
pub mod address;
pub mod bind;
pub mod buffers;
mod claim;
pub mod connect;
pub mod deadline;
pub mod dialed;
mod directions;
pub mod entry;
pub mod halves;
pub mod inherited;
pub mod latch;
pub mod listen;
mod lock;
pub mod lookup;
pub mod query;
pub mod reach;
pub mod resolve;
pub mod secret;
pub mod socket;
mod socket_file;
pub mod stream;
pub mod tls;

pub use access::{Access, Ownership};
pub use address::Address;
pub use bind::{BoundSocket, ListenError};
pub use connect::{ConnectError, Connector, connect};
pub use deadline::Deadline;
pub use entry::{Destination, DirectoryEntry, EntryError};
pub use halves::{ReadHalf, WriteHalf};
pub use inherited::{Inherited, InheritedSocket, Lender};
pub use latch::Latch;
pub use listen::{Accepted, Listener};
pub use query::Query;
pub use reach::Obstacle;
pub use resolve::Resolver;
pub use secret::Secret;
pub use socket::Socket;
pub use stream::Stream;
