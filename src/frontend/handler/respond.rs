//! A fixed answer.

use bytes::Bytes;
use http::StatusCode;

use super::{Handle, HandlerSettings, Place};
use crate::files::DecodedPath;
use crate::frontend::answer::Answer;
use crate::frontend::body::Body;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::protocol::fields::Fields;

/// A fixed answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Respond {
    /// Status; 444 is none: the client gets no answer, and its connection ends.
    pub status: StatusCode,
    /// Body, sent as `text/plain; charset=utf-8`.
    pub body: Bytes,
}

/// The answer: made once, and given to every request.
#[derive(Debug)]
pub struct Fixed {
    status: StatusCode,
    fields: Fields,
    body: Bytes,
}

impl HandlerSettings for Respond {
    type Handler = Fixed;

    const NAME: &'static str = "respond";

    fn handler(&self, _place: Place<'_>) -> Fixed {
        let mut fields = Answer::text(self.status, Bytes::new()).fields;
        fields.share();
        Fixed {
            status: self.status,
            fields,
            body: self.body.clone(),
        }
    }
}

impl Handle for Fixed {
    fn handle<'r>(&'r self, exchange: &mut Exchange, _path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        exchange.answer = Answer {
            status: self.status,
            fields: self.fields.clone(),
            length: None,
            body: match self.body.is_empty() {
                true if self.status.as_u16() == UNANSWERED => Body::Unanswered,
                true => Body::Empty,
                false => Body::Full(self.body.clone()),
            },
        };
        Ok(Flow::Answered)
    }
}

/// nginx's number for clients that are not worth an answer; in no specification, only ever logged.
const UNANSWERED: u16 = 444;
