//! What pages of other origins may do with a site (Fetch standard, section 3.2).

use std::time::Duration;

use http::{Method, StatusCode};

use super::Filter;
use crate::frontend::answer::Answer;
use crate::frontend::body::Body;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::{Flow, InternalUri};
use crate::frontend::rejection::Rejection;
use crate::protocol::RequestHead;
use crate::protocol::fields::{FieldName, FieldValue, Fields};

/// Which origins may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `https://app.example`, `https://*.example`, or `*` for all.
    pub origins: Vec<String>,
    /// Methods besides those that need no question.
    pub methods: Vec<Method>,
    /// Fields that requests may have; none: those that are asked for.
    pub headers: Vec<String>,
    /// Fields of answers that scripts may read.
    pub expose: Vec<String>,
    /// Whether cookies may come along.
    pub credentials: bool,
    /// How long a browser need not ask again.
    pub max_age: Duration,
}

/// No origin.
impl Default for Settings {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            methods: vec![
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ],
            headers: Vec::new(),
            expose: Vec::new(),
            credentials: false,
            max_age: Duration::from_secs(3600),
        }
    }
}

/// Tells browsers, and answers those that ask before.
pub(super) struct Cors {
    settings: Settings,
    methods: String,
    headers: String,
    expose: String,
}

impl Settings {
    fn has(&self, origin: &[u8]) -> bool {
        self.origins.iter().any(|known| match known.split_once('*') {
            None => known.as_bytes() == origin,
            Some(("", "")) => true,
            Some((start, end)) => {
                let middle = origin.strip_prefix(start.as_bytes());
                let middle = middle.and_then(|rest| rest.strip_suffix(end.as_bytes()));
                middle.is_some_and(|middle| !middle.is_empty() && middle.iter().all(is_of_host))
            }
        })
    }

    /// Whether every origin gets the same answer.
    fn is_open(&self) -> bool {
        self.origins.iter().any(|origin| origin == "*") && !self.credentials
    }
}

impl Cors {
    /// Nothing without settings.
    pub(super) fn new(settings: Option<&Settings>) -> Option<Self> {
        let settings = settings?;
        let methods: Vec<&str> = settings.methods.iter().map(Method::as_str).collect();
        Some(Self {
            methods: methods.join(", "),
            headers: settings.headers.join(", "),
            expose: settings.expose.join(", "),
            settings: settings.clone(),
        })
    }

    /// The answer to a browser that asks before.
    fn preflight(&self, request: &Fields) -> Answer {
        let mut answer = Answer::new(StatusCode::NO_CONTENT, Body::Empty);
        let fields = &mut answer.fields;
        if self.admit(request, fields) {
            set(fields, "Access-Control-Allow-Methods", self.methods.as_bytes());
            let wanted = request.get_named(b"access-control-request-headers");
            let headers = match self.headers.is_empty() {
                true => wanted.unwrap_or_default(),
                false => self.headers.as_bytes(),
            };
            set(fields, "Access-Control-Allow-Headers", headers);
            let seconds = self.settings.max_age.as_secs().to_string();
            set(fields, "Access-Control-Max-Age", seconds.as_bytes());
        }
        if self.headers.is_empty() {
            fields.append(FieldName::Vary, "Access-Control-Request-Headers");
        }
        answer
    }

    /// Says in an answer whether the origin of a request may read it.
    fn admit(&self, request: &Fields, fields: &mut Fields) -> bool {
        fields.remove(FieldName::AccessControlAllowOrigin);
        fields.remove_named(b"access-control-allow-credentials");
        fields.remove_named(b"access-control-allow-private-network");
        if self.settings.is_open() {
            fields.set(FieldName::AccessControlAllowOrigin, "*");
            return true;
        }
        fields.append(FieldName::Vary, "Origin");
        let Some(origin) = request
            .get(FieldName::Origin)
            .filter(|origin| self.settings.has(origin))
        else {
            return false;
        };
        fields.try_set(FieldName::AccessControlAllowOrigin, origin);
        if self.settings.credentials {
            set(fields, "Access-Control-Allow-Credentials", b"true");
        }
        true
    }

    fn tell(&self, exchange: &mut Exchange) {
        let Exchange { request, answer, .. } = exchange;
        if self.admit(&request.head.fields, &mut answer.fields) {
            set(
                &mut answer.fields,
                "Access-Control-Expose-Headers",
                self.expose.as_bytes(),
            );
        }
    }
}

/// What names of hosts consist of: no star reaches past the host.
fn is_of_host(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')
}

/// Whether a browser asks what a page may do, before it does it.
pub(super) fn asks_before(request: &RequestHead) -> bool {
    request.method == Method::OPTIONS
        && request.fields.contains(FieldName::Origin)
        && request.fields.contains_named(b"access-control-request-method")
}

/// Sets a field that has a value.
fn set(fields: &mut Fields, name: &str, value: &[u8]) {
    if let Some(value) = FieldValue::new(value).filter(|_| !value.is_empty()) {
        fields.set_named(name.as_bytes(), value);
    }
}

impl Filter for Cors {
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        if !asks_before(&exchange.request.head) {
            return Ok(None);
        }
        exchange.answer = self.preflight(&exchange.request.head.fields);
        Ok(Some(Flow::Answered))
    }

    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        // The answer to a browser that asks before says it already.
        if !asks_before(&exchange.request.head) {
            self.tell(exchange);
        }
        None
    }

    fn failed(&self, exchange: &mut Exchange) {
        self.tell(exchange);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_known_by_name_or_by_what_is_around_a_star() {
        let settings = Settings {
            origins: vec!["https://a.example".into(), "https://*.b.example".into()],
            ..Settings::default()
        };
        for (origin, known) in [
            ("https://a.example", true),
            ("https://x.b.example", true),
            ("https://.b.example", false),
            ("https://b.example", false),
            ("http://a.example", false),
            ("https://evil.example/.b.example", false),
            ("https://evil.example:1.b.example", false),
            ("https://evil.example#.b.example", false),
            ("https://user@x.b.example", false),
            ("https://x y.b.example", false),
            ("https://x\u{e4}.b.example", false),
            ("https://x-1.y.b.example", true),
            ("null", false),
        ] {
            assert_eq!(settings.has(origin.as_bytes()), known, "{origin}");
        }
    }
}
