//! Bytes in and out: addresses and names, listeners, outgoing connections, one stream type over TCP and unix sockets.
//!
//! Knows neither HTTP nor any backend protocol.

pub mod address;
pub mod connect;
pub mod deadline;
pub mod listen;
pub mod query;
pub mod reach;
pub mod resolve;
pub mod stream;

pub use address::Address;
pub use connect::{ConnectError, connect};
pub use deadline::Deadline;
pub use listen::{ListenError, Listener};
pub use query::Query;
pub use reach::Obstacle;
pub use resolve::Resolver;
pub use stream::Stream;
