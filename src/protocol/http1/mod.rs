//! HTTP/1.1 (RFC 9112), sans-IO, in both roles.
//!
//! Server role: [`RequestDecoder`] takes request heads off the bytes of a client, [`BodyDecoder`] their bodies, [`answer`]
//! writes answers, and [`KeepAlive`] says what may follow on the connection. Client role: [`Http1`] is one more
//! [`Protocol`](crate::protocol::Protocol).
//!
//! What is not exactly a message is refused with the rule that it breaks: nothing is repaired, because two programs that
//! repair differently are how requests are smuggled.

pub mod answer;
mod body;
mod body_part;
mod chunked;
mod encode;
mod error;
mod exchange;
mod form;
mod keep_alive;
mod request;
mod trailers;

pub use body::{BodyDecoder, Framing};
pub use body_part::BodyPart;
pub use chunked::{ChunkError, ChunkLimits, put_chunk_size};
pub use error::{RequestError, Rule, seen};
pub use exchange::Http1;
pub use keep_alive::{KeepAlive, Next, Rest};
pub use request::{Request, RequestDecoder, foreign, repeated};

/// How large the head of a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes up to and including the blank line.
    pub size: usize,
    /// Field lines.
    pub fields: usize,
}
