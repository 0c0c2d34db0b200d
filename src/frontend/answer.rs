//! The head of an answer, with what comes behind it.

use http::StatusCode;

use super::body::Body;
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
