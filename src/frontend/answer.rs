//! The head of an answer, with what comes behind it.

use http::StatusCode;

use super::body::Body;
use super::record::Logged;
use super::tunnel::Tunnel;
use crate::files;
use crate::protocol::fields::Fields;

/// The answer to a request.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields. None of them is about the framing or the connection: whatever sends the answer adds those.
    pub fields: Fields,
    /// The length that an answer without its body announces all the same (RFC 9110, section 8.6): HEAD, 304.
    pub length: Option<u64>,
    /// Its body.
    pub body: Body,
}

/// An answer on its way to its client.
pub struct Outgoing {
    /// See [`Answer::status`].
    pub status: StatusCode,
    /// See [`Answer::fields`].
    pub fields: Fields,
    /// See [`Answer::length`].
    pub length: Option<u64>,
    /// The client is told that nothing comes after it on this connection.
    pub close: bool,
    /// What the connection becomes when the head is sent: the answer to a switch of protocols.
    pub tunnel: Option<Box<Tunnel>>,
    /// Its body; none where method or status permit none.
    pub body: Logged,
}

impl Answer {
    /// An answer without fields.
    pub fn new(status: StatusCode, body: Body) -> Self {
        Self {
            status,
            fields: Fields::new(),
            length: None,
            body,
        }
    }
}

impl From<files::Answer> for Answer {
    fn from(answer: files::Answer) -> Self {
        Self {
            status: answer.status,
            fields: answer.fields,
            length: answer.length,
            body: Body::File(answer.body),
        }
    }
}
