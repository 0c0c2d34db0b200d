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

    /// A redirect, to a place that is still to be added. Its body is for clients that do not follow: its status, and nothing
    /// of the request.
    pub fn redirect(status: StatusCode) -> Self {
        let text = match status.as_u16() {
            301 => "301 Moved Permanently\n",
            302 => "302 Found\n",
            303 => "303 See Other\n",
            307 => "307 Temporary Redirect\n",
            308 => "308 Permanent Redirect\n",
            _ => "Redirect\n",
        };
        Self::text(status, Bytes::from_static(text.as_bytes()))
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
        if answer.status == StatusCode::PERMANENT_REDIRECT {
            let mut redirect = Self::redirect(answer.status);
            redirect.fields.append_all(&answer.fields);
            return redirect;
        }
        Self {
            status: answer.status,
            fields: answer.fields,
            length: answer.length,
            body: Body::File(answer.body),
        }
    }
}
