//! `OPTIONS *`: about the gateway, not about an application (RFC 9110, section 9.3.7).

use http::StatusCode;

use super::answer::Answer;
use super::body::Body;
use super::received::Received;
use crate::protocol::fields::FieldName;

/// Methods that some handler takes; CONNECT and TRACE are none of them.
pub const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Whether a request asks about the gateway as a whole.
pub fn is_asked(request: &Received) -> bool {
    request.head.target.as_bytes() == b"*"
}

/// What it is told.
pub fn answer() -> Answer {
    let mut answer = Answer::new(StatusCode::NO_CONTENT, Body::Empty);
    answer.fields.append(FieldName::Allow, METHODS);
    answer
}
