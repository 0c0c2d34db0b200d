//! The head of an answer, with what comes behind it.

use bytes::Bytes;
use http::StatusCode;

use super::body::Body;
use crate::files::FileAnswer;
use crate::protocol::fields::{FieldName, Fields};

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

    /// A plain text.
    pub fn text(status: StatusCode, text: Bytes) -> Self {
        let body = match text.is_empty() {
            true => Body::Empty,
            false => Body::Full(text),
        };
        let mut answer = Self::new(status, body);
        answer
            .fields
            .append(FieldName::ContentType, "text/plain; charset=utf-8");
        answer
    }
}

impl From<FileAnswer> for Answer {
    fn from(answer: FileAnswer) -> Self {
        Self {
            status: answer.status,
            fields: answer.fields,
            length: answer.length,
            body: Body::File(answer.body),
        }
    }
}
