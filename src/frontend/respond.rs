//! Answers of our own.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, LOCATION, RETRY_AFTER, VARY};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::body::Body;
use super::config::{Redirect, Respond};
use super::error_page::{ErrorPage, Form};
use super::rejection::{Rejection, client_gone};
use crate::protocol::request::RequestId;
use crate::upstream::Failure;

/// Marks an answer as ours and not the application's, with the reason.
pub const ERROR: HeaderName = HeaderName::from_static("bridgehead-error");

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// When a client that found every worker busy should come back, in seconds.
const COME_BACK: HeaderValue = HeaderValue::from_static("1");

/// The answer to request `id`, which failed; `accept` is its field of that name.
pub fn rejection(rejection: &Rejection, id: RequestId, accept: Option<&HeaderValue>) -> Response<Body> {
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
    let mut response = text(status, page.render(form));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, form.content_type());
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(ERROR, HeaderValue::from_static(rejection.reason()));
    if rejection.is_temporary() {
        headers.insert(RETRY_AFTER, COME_BACK);
    }
    if let Rejection::Method(allowed) = rejection {
        headers.insert(ALLOW, HeaderValue::from_static(allowed));
    }
    response
}

/// A configured fixed answer.
pub fn fixed(respond: &Respond) -> Response<Body> {
    text(respond.status, respond.body.clone())
}

/// A configured redirect. A target without a final slash gets the request's path and query.
pub fn redirect(redirect: &Redirect, target: &PathAndQuery) -> Result<Response<Body>, Rejection> {
    let location = match redirect.to.ends_with('/') {
        true => HeaderValue::from_str(&redirect.to),
        false => HeaderValue::from_str(&format!("{}{target}", redirect.to)),
    };
    let mut response = text(redirect.status, Bytes::new());
    response
        .headers_mut()
        .insert(LOCATION, location.map_err(|_| Rejection::NotFound)?);
    Ok(response)
}

/// `OPTIONS *`: about us, not about an application (RFC 9110, section 9.3.7).
pub fn options() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}

/// Methods that some handler takes; CONNECT is none of them.
pub const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

fn text(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(if body.is_empty() {
        Body::Empty
    } else {
        Body::Full(body)
    });
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    response
}
