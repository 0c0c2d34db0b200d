//! Answers of our own.

use bytes::Bytes;
use http::StatusCode;

use super::answer::Answer;
use super::body::Body;
use super::config::{Redirect, Respond};
use super::error_page::{ErrorPage, Form};
use super::rejection::{Rejection, client_gone};
use crate::protocol::Target;
use crate::protocol::fields::{FieldName, Fields};
use crate::protocol::request::RequestId;
use crate::upstream::Failure;

/// Marks an answer as ours and not the application's, with the reason.
pub const ERROR: &str = "Bridgehead-Error";

const TEXT: &str = "text/plain; charset=utf-8";

/// When a client that found every worker busy should come back, in seconds.
const COME_BACK: &str = "1";

/// The answer to request `id`, which failed; `accept` is its field of that name.
pub fn rejection(rejection: &Rejection, id: RequestId, accept: Option<&[u8]>) -> Answer {
    let status = match rejection.status() {
        // Only half gone, perhaps: then it learns what it did.
        gone if gone == client_gone() => StatusCode::BAD_REQUEST,
        status => status,
    };
    // The operator's limits are no secret, and the one thing a user can act on.
    let limit = match rejection {
        Rejection::Upstream(Failure::Encode(error)) => Some(error.to_string()),
        _ => None,
    };
    let page = ErrorPage {
        status,
        reason: rejection.reason(),
        id,
        limit: limit.as_deref(),
    };
    let form = Form::preferred(accept);
    let mut answer = text(status, page.render(form));
    let fields = &mut answer.fields;
    fields.set(FieldName::ContentType, form.content_type());
    fields.append(FieldName::Vary, "Accept");
    fields.append_named(ERROR.as_bytes(), rejection.reason().as_str());
    if rejection.is_temporary() {
        fields.append(FieldName::RetryAfter, COME_BACK);
    }
    if let Rejection::Method(allowed) = rejection {
        fields.append(FieldName::Allow, *allowed);
    }
    answer
}

/// A configured fixed answer: made once, and given to every request.
#[derive(Debug)]
pub struct Fixed {
    status: StatusCode,
    fields: Fields,
    body: Bytes,
}

impl Fixed {
    /// The answer that is configured.
    pub fn new(respond: &Respond) -> Self {
        let mut fields = text(respond.status, Bytes::new()).fields;
        fields.share();
        Self {
            status: respond.status,
            fields,
            body: respond.body.clone(),
        }
    }

    /// The answer to a request.
    pub fn answer(&self) -> Answer {
        Answer {
            status: self.status,
            fields: self.fields.clone(),
            length: None,
            body: content(self.body.clone()),
        }
    }
}

/// A configured redirect. A target without a final slash gets the request's path and query.
pub fn redirect(redirect: &Redirect, target: &Target) -> Result<Answer, Rejection> {
    let mut location = redirect.to.clone().into_bytes();
    if !redirect.to.ends_with('/') {
        location.extend_from_slice(target.as_bytes());
    }
    let mut answer = text(redirect.status, Bytes::new());
    match answer.fields.try_set(FieldName::Location, &location) {
        true => Ok(answer),
        false => Err(Rejection::NotFound),
    }
}

/// `OPTIONS *`: about us, not about an application (RFC 9110, section 9.3.7).
pub fn options() -> Answer {
    let mut answer = Answer::new(StatusCode::NO_CONTENT, Body::Empty);
    answer.fields.append(FieldName::Allow, METHODS);
    answer
}

/// Methods that some handler takes; CONNECT is none of them.
pub const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

fn content(body: Bytes) -> Body {
    match body.is_empty() {
        true => Body::Empty,
        false => Body::Full(body),
    }
}

fn text(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Answer::new(status, content(body));
    answer.fields.append(FieldName::ContentType, TEXT);
    answer
}
