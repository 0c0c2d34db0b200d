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
use crate::protocol::fields::{FieldName, Fields};
use crate::variables::Template;

/// A fixed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Respond {
    /// Status; 444 is none: the client gets no answer, and its connection ends.
    pub status: StatusCode,
    /// Body.
    pub body: Template,
    /// Its media type.
    pub content_type: String,
}

/// 200, and nothing more to say.
impl Default for Respond {
    fn default() -> Self {
        Self {
            status: StatusCode::OK,
            body: Template::default(),
            content_type: "text/plain; charset=utf-8".to_owned(),
        }
    }
}

/// The answer: made once, and given to every request.
#[derive(Debug)]
pub struct Fixed {
    status: StatusCode,
    fields: Fields,
    body: Bytes,
    /// What the body is made of for each request, where it is another one.
    template: Option<Template>,
}

impl HandlerSettings for Respond {
    type Handler = Fixed;

    const NAME: &'static str = "respond";

    fn handler(&self, _place: Place<'_>) -> Fixed {
        let mut fields = Fields::new();
        fields.try_set(FieldName::ContentType, self.content_type.as_bytes());
        fields.share();
        let body = self.body.constant();
        Fixed {
            status: self.status,
            fields,
            template: body.is_none().then(|| self.body.clone()),
            body: body.unwrap_or_default().into(),
        }
    }
}

impl Handle for Fixed {
    fn handle<'r>(&'r self, exchange: &mut Exchange, _path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        let body = match &self.template {
            None => self.body.clone(),
            Some(template) => text(template, exchange),
        };
        exchange.answer = Answer {
            status: self.status,
            fields: self.fields.clone(),
            length: None,
            body: match body.is_empty() {
                true if self.status.as_u16() == UNANSWERED => Body::Unanswered,
                true => Body::Empty,
                false => Body::Full(body),
            },
        };
        Ok(Flow::Answered)
    }
}

/// What a template comes to for a request.
fn text(template: &Template, exchange: &mut Exchange) -> Bytes {
    exchange.client();
    let mut text = Vec::new();
    template.write(&exchange.request.head, &mut |piece| text.extend_from_slice(piece));
    text.into()
}

/// nginx's number for clients that are not worth an answer; in no specification, only ever logged.
const UNANSWERED: u16 = 444;
