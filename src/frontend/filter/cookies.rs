//! What is added to the cookies that applications set.

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::InternalUri;
use crate::protocol::fields::{FieldName, FieldValue};
use crate::upstream::model::config::SameSite;

/// Attributes (RFC 6265, section 4.1.2) that cookies get which have none of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Names of the cookies; none: all.
    pub names: Vec<String>,
    /// `Secure`.
    pub secure: bool,
    /// `HttpOnly`.
    pub http_only: bool,
    /// `SameSite`, where the cookie has none.
    pub same_site: Option<SameSite>,
}

/// Adds attributes.
pub(super) struct Cookies(Settings);

impl Settings {
    /// Whether nothing is added.
    pub fn is_empty(&self) -> bool {
        !self.secure && !self.http_only && self.same_site.is_none()
    }

    /// A `Set-Cookie` with what it lacks.
    fn complete(&self, cookie: &[u8]) -> Vec<u8> {
        let mut complete = cookie.to_vec();
        let mut parts = cookie.split(|byte| *byte == b';');
        let name = parts.next().unwrap_or_default();
        let name = name
            .split(|byte| *byte == b'=')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        if !self.names.is_empty() && !self.names.iter().any(|known| known.as_bytes() == name) {
            return complete;
        }
        let has = |wanted: &str| {
            let mut parts = parts.clone();
            let key = |part: &[u8]| {
                part.split(|byte| *byte == b'=')
                    .next()
                    .unwrap_or_default()
                    .trim_ascii()
                    .to_vec()
            };
            parts.any(|part| key(part).eq_ignore_ascii_case(wanted.as_bytes()))
        };
        let same_site = self.same_site.map(|same_site| match same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        let added = [
            (self.secure && !has("Secure")).then_some("; Secure"),
            (self.http_only && !has("HttpOnly")).then_some("; HttpOnly"),
            same_site.filter(|_| !has("SameSite")),
        ];
        for text in added.into_iter().flatten() {
            complete.extend_from_slice(text.as_bytes());
        }
        complete
    }
}

impl Cookies {
    /// Nothing without an attribute.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        (!settings.is_empty()).then(|| Self(settings.clone()))
    }
}

impl Filter for Cookies {
    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        let fields = &mut exchange.answer.fields;
        if !fields.contains(FieldName::SetCookie) {
            return None;
        }
        let cookies = fields
            .all(FieldName::SetCookie)
            .map(|cookie| self.0.complete(cookie));
        let cookies: Vec<_> = cookies.collect();
        fields.remove(FieldName::SetCookie);
        for cookie in &cookies {
            // What was added is none of what a value cannot hold.
            if let Some(cookie) = FieldValue::new(cookie) {
                fields.append(FieldName::SetCookie, cookie);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_get_what_they_lack() {
        let settings = Settings {
            names: vec!["session".into()],
            secure: true,
            http_only: true,
            same_site: Some(SameSite::Lax),
        };
        for (cookie, expected) in [
            ("session=1", "session=1; Secure; HttpOnly; SameSite=Lax"),
            (
                "session=1; secure;Path=/; samesite=None",
                "session=1; secure;Path=/; samesite=None; HttpOnly",
            ),
            (
                "session=HttpOnly; Path=/Secure",
                "session=HttpOnly; Path=/Secure; Secure; HttpOnly; SameSite=Lax",
            ),
            ("other=1", "other=1"),
        ] {
            assert_eq!(
                settings.complete(cookie.as_bytes()),
                expected.as_bytes(),
                "{cookie}"
            );
        }
    }
}
