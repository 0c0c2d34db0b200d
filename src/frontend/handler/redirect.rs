//! A redirect.

use bytes::Bytes;
use http::StatusCode;

use super::{Handle, HandlerSettings, Place};
use crate::files::DecodedPath;
use crate::frontend::answer::Answer;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::protocol::fields::FieldName;

/// A redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Target. Ends without a slash: the request's path and query are appended.
    pub to: String,
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
}

/// Without a target yet.
impl Default for Redirect {
    fn default() -> Self {
        Self {
            to: String::new(),
            status: StatusCode::FOUND,
        }
    }
}

/// Nothing is to be opened.
impl HandlerSettings for Redirect {
    type Handler = Self;

    const NAME: &'static str = "redirect";

    fn handler(&self, _place: Place<'_>) -> Self {
        self.clone()
    }
}

impl Handle for Redirect {
    fn handle<'r>(&'r self, exchange: &mut Exchange, _path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        let mut location = self.to.clone().into_bytes();
        if !self.to.ends_with('/') {
            location.extend_from_slice(exchange.request.head.target.as_bytes());
        }
        let mut answer = Answer::text(self.status, Bytes::new());
        match answer.fields.try_set(FieldName::Location, &location) {
            true => Ok(Flow::Answer(answer)),
            false => Err(Rejection::NotFound),
        }
    }
}
