//! What an answer leaves to the one that stands in for it.

use std::num::NonZeroU64;

use bytes::Bytes;
use http::StatusCode;

use super::answer::Answer;
use super::body::Body;
use super::throttled::{Throttle, Throttled};
use crate::protocol::fields::{Field, FieldName, FieldNames, FieldValue, Fields};

/// Fields of an answer, its error, and what an application wants done with what the client gets.
#[derive(Default)]
pub(super) struct Kept {
    fields: Fields,
    /// What text is said to be encoded in.
    charset: Option<Bytes>,
    /// How fast the client gets it, if the application has said that.
    rate: Option<Option<Throttle>>,
    /// The same, if it has not.
    usual_rate: Option<Throttle>,
    /// The error that a page stands in for.
    error: Option<Failed>,
    /// A page stands in for an error, or has done so.
    page: bool,
}

/// An error whose page is to be found.
pub(super) struct Failed {
    /// The status that the client gets with the page.
    pub(super) status: StatusCode,
    /// The answer without a page.
    pub(super) plain: Answer,
}

/// Fields of an application that asks for something else in place of its answer, which the client gets all the same:
/// those that nginx keeps.
const OF_APPLICATIONS: FieldNames = FieldNames::of(&[
    FieldName::AcceptRanges,
    FieldName::CacheControl,
    FieldName::ContentDisposition,
    FieldName::ContentType,
    FieldName::Expires,
    FieldName::SetCookie,
]);

/// Fields of an error that belong to its status, whatever its page is.
const OF_ERRORS: FieldNames = FieldNames::of(&[
    FieldName::Allow,
    FieldName::ContentRange,
    FieldName::RetryAfter,
    FieldName::SetCookie,
    FieldName::WwwAuthenticate,
]);

/// Fields of a page about the file that it is: none of them is the error's.
const OF_PAGES: FieldNames =
    FieldNames::of(&[FieldName::AcceptRanges, FieldName::Etag, FieldName::LastModified]);

impl Kept {
    /// Keeps what an application says of the answer in place of its own.
    pub(super) fn keep(&mut self, answer: &Answer) {
        self.take(&answer.fields, OF_APPLICATIONS);
    }

    /// Keeps what an error says, whose page is to be found; nothing of what was kept before was meant for that, but its
    /// cookies.
    pub(super) fn keep_error(&mut self, error: &Fields, failed: Option<Failed>) {
        self.forget();
        self.take(error, OF_ERRORS);
        self.page = failed.is_some();
        self.error = failed;
    }

    /// Keeps none of the fields but the cookies.
    pub(super) fn forget(&mut self) {
        let is_cookie = |field: Field<'_>| field.name == FieldName::SetCookie;
        self.fields.retain(is_cookie);
        (self.charset, self.rate, self.usual_rate) = (None, None, None);
    }

    fn take(&mut self, fields: &Fields, names: FieldNames) {
        let wanted = fields.iter().filter(|field| names.contains(field.name));
        for field in wanted {
            if let Some(value) = FieldValue::new(field.value) {
                self.fields.append_named(field.spelling, value);
            }
        }
    }

    /// Text is said to be encoded so.
    pub(super) fn charset(&mut self, charset: Bytes) {
        self.charset = Some(charset);
    }

    /// The client gets so many bytes a second; `None`: as many as it takes.
    pub(super) fn rate(&mut self, rate: Option<NonZeroU64>) {
        self.rate = Some(rate.map(|rate| Throttle { rate, after: 0 }));
    }

    /// The client gets it so fast, unless the application says otherwise.
    pub(super) fn usual_rate(&mut self, rate: Throttle) {
        self.usual_rate = Some(rate);
    }

    /// Whether a page stands in for an error.
    pub(super) fn is_page(&self) -> bool {
        self.page
    }

    /// The error whose page has failed itself.
    pub(super) fn take_error(&mut self) -> Option<Failed> {
        self.error.take()
    }

    /// Gives an answer what was kept for it. An application that answers knows better.
    pub(super) fn give(&mut self, answer: &mut Answer) {
        let fields = std::mem::take(&mut self.fields);
        let known = match answer.body {
            Body::Upstream(_) | Body::StreamingBody(_) => {
                answer.fields.present().without(FieldName::SetCookie)
            }
            _ if answer.status == StatusCode::NOT_MODIFIED => FieldNames::of(&[FieldName::ContentType]),
            _ => {
                let others = fields.present().without(FieldName::SetCookie);
                answer.fields.remove_all(others);
                FieldNames::NONE
            }
        };
        for field in fields.iter().filter(|field| !known.contains(field.name)) {
            if let Some(value) = FieldValue::new(field.value) {
                answer.fields.append_named(field.spelling, value);
            }
        }
        if let Some(error) = self.error.take().filter(|_| !answer.status.is_redirection()) {
            answer.status = error.status;
            answer.fields.remove_all(OF_PAGES);
        }
        if let Some(charset) = self.charset.take() {
            encode(&charset, &mut answer.fields);
        }
    }

    /// Holds an answer to the rate.
    pub(super) fn throttle(&mut self, answer: &mut Answer) {
        if let Some(rate) = self.rate.take().unwrap_or(self.usual_rate.take()) {
            answer.body = match std::mem::take(&mut answer.body) {
                end @ (Body::Empty | Body::Tunnel(_) | Body::Unanswered) => end,
                body => Body::Throttled(Box::new(Throttled::new(body, rate))),
            };
        }
    }
}

/// Says of an answer that its text is encoded so, in place of what it says itself.
fn encode(charset: &[u8], fields: &mut Fields) {
    let Some(kind) = fields.get(FieldName::ContentType) else {
        return;
    };
    let mut parameters = kind.split(|byte| *byte == b';');
    let mut value = parameters.next().unwrap_or_default().trim_ascii().to_vec();
    for parameter in parameters.map(<[u8]>::trim_ascii) {
        let is_charset = parameter
            .get(..CHARSET.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(CHARSET));
        if !is_charset && !parameter.is_empty() {
            value.extend_from_slice(b"; ");
            value.extend_from_slice(parameter);
        }
    }
    value.extend_from_slice(b"; ");
    value.extend_from_slice(CHARSET);
    value.extend_from_slice(charset);
    fields.try_set(FieldName::ContentType, &value);
}

const CHARSET: &[u8] = b"charset=";

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(fields: &[(&str, &str)], body: Body) -> Answer {
        let mut answer = Answer::new(StatusCode::OK, body);
        answer.fields = fields.iter().copied().collect();
        answer
    }

    fn lines(answer: &Answer) -> Vec<String> {
        let line = |field: Field<'_>| format!("{}: {}", field.name.as_str(), field.value.escape_ascii());
        answer.fields.iter().map(line).collect()
    }

    #[test]
    fn a_file_gets_what_the_application_said_and_an_application_knows_better() {
        let first = answer(
            &[
                ("Content-Type", "a/b"),
                ("Set-Cookie", "a=1"),
                ("Expires", "0"),
                ("ETag", "x"),
                ("X-A", "1"),
            ],
            Body::Empty,
        );
        let own = [("Content-Type", "c/d"), ("Set-Cookie", "b=2")];
        let mut kept = Kept::default();
        kept.keep(&first);
        let mut file = answer(&own, Body::Empty);
        kept.give(&mut file);
        let expected = [
            "Set-Cookie: b=2",
            "Content-Type: a/b",
            "Set-Cookie: a=1",
            "Expires: 0",
        ];
        assert_eq!(lines(&file), expected);
        kept.keep(&first);
        let mut other = answer(&own, Body::Upstream(crate::upstream::Body::Full(None)));
        kept.give(&mut other);
        let expected = [
            "Content-Type: c/d",
            "Set-Cookie: b=2",
            "Set-Cookie: a=1",
            "Expires: 0",
        ];
        assert_eq!(lines(&other), expected);
    }

    #[test]
    fn a_page_has_the_status_of_its_error_and_what_belongs_to_that() {
        let mut kept = Kept::default();
        kept.keep(&answer(
            &[("Content-Type", "a/b"), ("Set-Cookie", "a=1")],
            Body::Empty,
        ));
        let error = answer(
            &[("Retry-After", "7"), ("Content-Type", "text/plain")],
            Body::Empty,
        );
        let failed = Failed {
            status: StatusCode::SERVICE_UNAVAILABLE,
            plain: Answer::new(StatusCode::SERVICE_UNAVAILABLE, Body::Empty),
        };
        kept.keep_error(&error.fields, Some(failed));
        let mut page = answer(&[("Content-Type", "text/html"), ("ETag", "x")], Body::Empty);
        kept.give(&mut page);
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            lines(&page),
            ["Content-Type: text/html", "Set-Cookie: a=1", "Retry-After: 7"]
        );
    }

    #[test]
    fn the_charset_takes_the_place_of_another() {
        for (before, after) in [
            ("text/html", "text/html; charset=koi8-r"),
            ("text/html; Charset=utf-8; a=b", "text/html; a=b; charset=koi8-r"),
            ("text/html;", "text/html; charset=koi8-r"),
        ] {
            let mut fields = Fields::from_iter([("Content-Type", before)]);
            encode(b"koi8-r", &mut fields);
            assert_eq!(fields.get(FieldName::ContentType), Some(after.as_bytes()));
        }
        let mut none = Fields::new();
        encode(b"koi8-r", &mut none);
        assert!(none.is_empty());
    }
}
