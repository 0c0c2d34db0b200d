//! The answer to a request that failed.

use http::StatusCode;

use super::answer::Answer;
use super::body::Body;
use super::error_page::{ErrorPage, Form};
use super::options;
use super::rejection::{Rejection, client_gone};
use crate::protocol::fields::{FieldName, FieldValue};
use crate::protocol::request::RequestId;
use crate::upstream::Failure;

/// When a client that found every worker busy should come back, in seconds.
const COME_BACK: &str = "1";

/// An error whose page failed: the answer itself where it is one of ours, else its status alone.
pub(super) fn without_page(error: Answer) -> Answer {
    if matches!(error.body, Body::Empty | Body::Full(_)) && error.fields.contains(FieldName::BridgeheadError)
    {
        return error;
    }
    error.body.discard();
    let status = error.status;
    let phrase = status.canonical_reason().unwrap_or("Error");
    let text = format!("{} {phrase}\n", status.as_u16());
    Answer::text(status, text.into())
}

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
    let mut answer = Answer::text(status, page.render(form));
    let fields = &mut answer.fields;
    fields.set(FieldName::ContentType, form.content_type());
    fields.append(FieldName::Vary, "Accept");
    fields.append(FieldName::BridgeheadError, rejection.reason().as_str());
    match rejection {
        Rejection::Maintenance(seconds, _)
        | Rejection::RateLimited(_, seconds)
        | Rejection::TooManyAtOnce(_, seconds) => fields.append_number(FieldName::RetryAfter, *seconds),
        _ if rejection.is_temporary() => fields.append(FieldName::RetryAfter, COME_BACK),
        _ => {}
    }
    match rejection {
        Rejection::Unauthorized(challenge) => {
            if let Some(challenge) = FieldValue::new(challenge) {
                fields.append(FieldName::WwwAuthenticate, challenge);
            }
        }
        Rejection::Method(allowed) => fields.append(FieldName::Allow, *allowed),
        Rejection::Connect => fields.append(FieldName::Allow, options::METHODS),
        Rejection::Unmet(_, own) => fields.append_all(own),
        Rejection::Maintenance(_, page) if !page.is_empty() => {
            fields.set(FieldName::ContentType, "text/html; charset=utf-8");
            fields.remove(FieldName::Vary);
            answer.body = Body::Full(page.clone());
        }
        _ => {}
    }
    answer
}
