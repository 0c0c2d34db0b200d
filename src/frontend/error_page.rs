//! The body of an answer that is an error of ours: the status, the reason word and the request's name, so that a user
//! can quote them and an operator finds the request in the logs.
//!
//! Nothing in it comes from the request: there is nothing to escape.

use bytes::Bytes;
use http::StatusCode;

use super::liking::Liking;
use crate::protocol::request::RequestId;
use crate::telemetry::Reason;

/// What an error page says.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorPage<'a> {
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// The word in the `Bridgehead-Error` field.
    pub(super) reason: Reason,
    /// The request's name in the logs.
    pub(super) id: RequestId,
    /// A limit of the operator's that was exceeded: text of ours, free of markup.
    pub(super) limit: Option<&'a str>,
}

/// The two forms of an error page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// For programs, and for clients that say nothing about it.
    #[default]
    Text,
    /// For browsers.
    Html,
}

impl ErrorPage<'_> {
    /// The page; its type is [`Form::content_type`].
    pub(super) fn render(&self, form: Form) -> Bytes {
        match form {
            Form::Text => self.text(),
            Form::Html => self.html(),
        }
        .into()
    }

    fn text(&self) -> String {
        let Self { reason, id, .. } = self;
        let limit = self.limit.map(|limit| format!("{limit}\n")).unwrap_or_default();
        format!("{}\n{limit}Reason: {reason}\nRequest: {id}\n", self.title())
    }

    fn html(&self) -> String {
        let Self { reason, id, .. } = self;
        let title = self.title();
        let limit = self.limit.map(|limit| format!("<p>{limit}</p>\n"));
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n\
             {}<p>Reason: <code>{reason}</code></p>\n<p>Request: <code>{id}</code></p>\n</html>\n",
            limit.unwrap_or_default()
        )
    }

    fn title(&self) -> String {
        let phrase = self.status.canonical_reason().unwrap_or("Error");
        format!("{} {phrase}", self.status.as_u16())
    }
}

impl Form {
    /// The form that `Accept` asks for (RFC 9110, section 12.5.1): HTML where it is liked better than plain text, or as
    /// well and named more exactly. `*/*` alone is a program.
    pub(super) fn preferred(accept: Option<&[u8]>) -> Self {
        let Some(Ok(accept)) = accept.map(std::str::from_utf8) else {
            return Self::Text;
        };
        let html = Liking::of("text", "html", accept);
        if html.is_wanted() && html > Liking::of("text", "plain", accept) {
            Self::Html
        } else {
            Self::Text
        }
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &str) -> Form {
        Form::preferred(Some(accept.as_bytes()))
    }

    #[test]
    fn browsers_get_html_and_programs_get_text() {
        assert_eq!(Form::preferred(None), Form::Text);
        for program in [
            "*/*",
            "",
            "text/*",
            "application/json",
            "text/plain",
            "text/plain, text/html",
            "text/html;q=0",
            "text/html;q=0, */*",
            "text/html;q=0.5, text/plain",
            "text/html;q=abc",
            "text/html;q=NaN",
            "text/htmlx",
            "text",
            ";;,,=/;q=",
        ] {
            assert_eq!(preferred(program), Form::Text, "{program}");
        }
        for browser in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
            "text/html, */*",
            "TEXT/HTML",
            "text/html;q=0.5",
            "text/html ; level=1 ; Q=0.5, text/plain;q=0.2",
            "text/html;q=7, text/plain;q=0.9",
        ] {
            assert_eq!(preferred(browser), Form::Html, "{browser}");
        }
    }

    #[test]
    fn both_forms_say_the_status_the_reason_and_the_request() {
        let page = ErrorPage {
            status: StatusCode::BAD_GATEWAY,
            reason: Reason::SocketMissing,
            id: RequestId(0x2a),
            limit: None,
        };
        assert_eq!(
            page.render(Form::Text),
            "502 Bad Gateway\nReason: socket_missing\nRequest: 000000000000002a\n"
        );
        let html = page.render(Form::Html);
        let html = std::str::from_utf8(&html).unwrap();
        for part in [
            "<title>502 Bad Gateway</title>",
            "<code>socket_missing</code>",
            "<code>000000000000002a</code>",
        ] {
            assert!(html.contains(part), "{html}");
        }
    }

    #[test]
    fn an_exceeded_limit_is_named() {
        let page = ErrorPage {
            status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            reason: Reason::VariablesTooLarge,
            id: RequestId(1),
            limit: Some("limit of 4096 bytes"),
        };
        assert!(page.text().contains("\nlimit of 4096 bytes\n"), "{}", page.text());
        assert!(
            page.html().contains("<p>limit of 4096 bytes</p>"),
            "{}",
            page.html()
        );
    }
}
