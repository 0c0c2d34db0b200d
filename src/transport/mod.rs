//! Bytes in and out: addresses, listeners, outgoing connections, one stream type over TCP and unix sockets.
//!
//! Knows neither HTTP nor any backend protocol.

pub mod address;

pub use address::Address;
