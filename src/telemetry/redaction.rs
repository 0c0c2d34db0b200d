//! What no log shows: credentials of clients, and arguments of queries that the operator names.

use std::borrow::Cow;

/// What is kept out of the logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    /// Names of arguments, whatever their case.
    pub query: Vec<String>,
    /// `Cookie`, `Authorization` and the like are shown.
    pub credentials: bool,
}

/// What stands in the place of a value.
pub const REDACTED: &[u8] = b"REDACTED";

/// Fields that hold credentials, in lower case.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

impl Redaction {
    /// Whether the values of a field are kept out; `name` is in lower case.
    pub fn hides_field(&self, name: &str) -> bool {
        !self.credentials && CREDENTIALS.contains(&name)
    }

    /// Whether the value of an argument is kept out.
    pub fn hides_argument(&self, name: &[u8]) -> bool {
        let is_it = |hidden: &String| name.eq_ignore_ascii_case(hidden.as_bytes());
        self.query.iter().any(is_it)
    }

    /// A target or a URL without the values that are kept out.
    pub fn target<'t>(&self, target: &'t [u8]) -> Cow<'t, [u8]> {
        if self.query.is_empty() {
            return Cow::Borrowed(target);
        }
        match memchr::memchr(b'?', target) {
            None => Cow::Borrowed(target),
            Some(mark) => {
                let (path, query) = target.split_at(mark + 1);
                match self.query(query) {
                    Cow::Borrowed(_) => Cow::Borrowed(target),
                    Cow::Owned(query) => Cow::Owned([path, &query].concat()),
                }
            }
        }
    }

    /// The same for a query alone.
    pub fn query<'q>(&self, query: &'q [u8]) -> Cow<'q, [u8]> {
        let name = |argument: &'q [u8]| {
            let end = memchr::memchr(b'=', argument)?;
            self.hides_argument(&argument[..end]).then_some(end)
        };
        let arguments = || query.split(|byte| *byte == b'&');
        if self.query.is_empty() || arguments().all(|argument| name(argument).is_none()) {
            return Cow::Borrowed(query);
        }
        let shown = arguments().map(|argument| match name(argument) {
            Some(end) => [&argument[..=end], REDACTED].concat(),
            None => argument.to_vec(),
        });
        Cow::Owned(shown.collect::<Vec<_>>().join(&b"&"[..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_arguments_have_no_values_and_the_rest_is_as_it_came() {
        let redaction = Redaction {
            query: vec!["token".to_owned(), "k".to_owned()],
            credentials: false,
        };
        for (target, shown) in [
            ("/a?token=1&b=2", "/a?token=REDACTED&b=2"),
            ("/a?b=2&k=&&token=x=y", "/a?b=2&k=REDACTED&&token=REDACTED"),
            ("/a?tokens=1&token", "/a?tokens=1&token"),
            ("/token=1", "/token=1"),
            ("", ""),
        ] {
            assert_eq!(redaction.target(target.as_bytes()), shown.as_bytes(), "{target}");
        }
        assert!(matches!(
            Redaction::default().target(b"/?token=1"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn credentials_are_shown_only_where_that_is_wanted() {
        let mut redaction = Redaction::default();
        let hidden = |redaction: &Redaction| CREDENTIALS.map(|name| redaction.hides_field(name));
        assert_eq!(hidden(&redaction), [true; 4]);
        assert!(!redaction.hides_field("user-agent"));
        redaction.credentials = true;
        assert_eq!(hidden(&redaction), [false; 4]);
    }
}
