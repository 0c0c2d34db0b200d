//! Response heads: CGI (RFC 3875, section 6) and HTTP/1 (RFC 9112, section 4), checked by one parser.
//!
//! A head is taken as a block, from its first byte to the blank line, and then read line by line. What is
//! not exactly a head is refused with a [`HeadError`] that names the rule: nothing is repaired, because two
//! programs that repair differently are how responses get split. What comes out may be relayed: no
//! hop-by-hop field, no `Status`, and none of the fields that say where the body ends: those are read in one way, whatever
//! the protocol, and never passed on.

mod blank;
mod decoder;
mod encode;
mod error;
mod fields;
mod line;

use http::StatusCode;

pub use decoder::HeadDecoder;
pub use encode::put;
pub use error::HeadError;

use super::fields::Fields;

/// A checked response head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// Final status; 101 only with `upgrade`.
    pub status: StatusCode,
    /// End-to-end fields, in the order and the spelling of the application, without `Content-Length`; after
    /// `upgrade` also `Upgrade`.
    pub fields: Fields,
    /// Announced length of the body, the value of `Content-Length`. Answers to HEAD and 304 may announce one without having a body.
    pub length: Option<u64>,
    /// The backend switches protocols: everything that follows is opaque.
    pub upgrade: bool,
    /// The backend closes the connection after this answer, or cannot say.
    pub close: bool,
    /// The body comes in chunks, which the codec undoes.
    pub chunked: bool,
}

/// The head of an interim answer (1xx but 101), which comes before the final one (RFC 9110, section 15.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterimHead {
    /// Its status.
    pub status: StatusCode,
    /// End-to-end fields, in the order and the spelling of the application.
    pub fields: Fields,
}

/// A head that was read.
#[derive(Debug)]
pub enum AnyHead {
    /// The head of the answer.
    Final(Box<ResponseHead>),
    /// One before it, which a gateway may drop.
    Interim(Box<InterimHead>),
}

/// Which grammar a head follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Fields only, the status in a `Status` field: FastCGI, SCGI.
    Cgi,
    /// A status line, then fields: uwsgi. A head without status line is taken when it has a `Status` field,
    /// as nginx does; interim heads (1xx) are skipped.
    Http,
    /// A status line of HTTP/1.x, then fields: HTTP.
    Http1,
}

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes up to and including the blank line, interim heads counted in.
    pub size: usize,
    /// Field lines.
    pub fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 64 * 1024,
            fields: 200,
        }
    }
}
