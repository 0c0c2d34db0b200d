//! A redirect.

use http::StatusCode;

use super::{Handle, HandlerSettings, Place};
use crate::files::DecodedPath;
use crate::frontend::answer::Answer;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::location;
use crate::frontend::rejection::Rejection;
use crate::protocol::fields::FieldName;
use crate::variables::Template;

/// A redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Target. An origin alone, `https://www.example`: the request's path and query are appended.
    pub to: Template,
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
}

/// Without a target yet.
impl Default for Redirect {
    fn default() -> Self {
        Self {
            to: Template::default(),
            status: StatusCode::FOUND,
        }
    }
}

impl Redirect {
    /// Whether the target has no path, so that the request's is appended.
    fn is_origin(&self) -> bool {
        let to = self.to.as_str();
        let rest = to.split_once("://").map(|(_, rest)| rest);
        self.to.is_constant() && rest.is_some_and(|rest| !rest.contains(['/', '?', '#']))
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
        if !self.to.is_constant() {
            exchange.client();
        }
        let mut location = location::within(&self.to, &exchange.request.head);
        if self.is_origin() {
            location.extend_from_slice(exchange.request.head.target.as_bytes());
        }
        let mut answer = Answer::redirect(self.status);
        match answer.fields.try_set(FieldName::Location, &location) {
            true => {
                exchange.answer = answer;
                Ok(Flow::Answered)
            }
            false => Err(Rejection::NotFound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_has_the_request_appended() {
        for (to, is_origin) in [
            ("https://www.example", true),
            ("https://www.example:8443", true),
            ("https://www.example/", false),
            ("https://www.example?a", false),
            ("/new.html", false),
            ("https://$host", false),
        ] {
            let redirect = Redirect {
                to: to.parse().unwrap(),
                ..Redirect::default()
            };
            assert_eq!(redirect.is_origin(), is_origin, "{to}");
        }
    }
}
