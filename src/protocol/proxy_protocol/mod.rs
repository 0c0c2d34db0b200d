//! The PROXY protocol: what a load balancer says of a connection in front of its first byte.
//!
//! Both versions of the specification of HAProxy (`doc/proxy-protocol.txt`), for receivers and senders. [`decode`] looks at
//! the bytes that are there and takes none; the header ends where it says, and nothing is read ahead of that.

mod checksum;
mod decode;
mod encode;
mod error;
mod header;
mod tlv;
mod v1;
mod v2;

pub use decode::decode;
pub use error::HeaderError;
pub use header::{Ends, Header, Origin, Version};
pub use tlv::{Kind, Ssl, SslKind, Tlvs};

/// Bytes of the largest header that is taken, as in nginx. Addresses have 216 at most; the rest is room for certificates.
pub const MAX_HEADER: usize = 4096;

#[cfg(test)]
mod tests;
