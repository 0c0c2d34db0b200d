//! How long a client may keep a file without asking again: `Cache-Control` and `Expires` (RFC 9111, sections 5.2.2 and
//! 5.3).

use std::time::{Duration, SystemTime};

use super::hashed::is_hashed;
use crate::protocol::fields::{FieldName, Fields};

/// A rule about some files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// Ends of the names that it is for, with their dots, in lower case; none: all.
    pub suffix: Vec<String>,
    /// Media types that it is for: `image/png`, `image/*`; none: all.
    pub types: Vec<String>,
    /// It is for names that change with the contents alone, and for no pages.
    pub hashed: bool,
    /// How long they may be kept. Zero: they may, and are asked for every time.
    pub after: Duration,
    /// From when on.
    pub from: Since,
    /// They do not change: not even a reload by the user asks for them.
    pub immutable: bool,
}

/// When the time begins for which a file may be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// When it is sent.
    #[default]
    Access,
    /// When it was changed.
    Modified,
}

/// A file, as far as rules are about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) name: &'a [u8],
    pub(super) query: Option<&'a [u8]>,
    pub(super) media_type: &'a str,
}

impl Expiry {
    /// The first of the rules that is for a file.
    pub(super) fn find<'r>(rules: &'r [Self], subject: &Subject<'_>) -> Option<&'r Self> {
        rules.iter().find(|rule| rule.is_for(subject))
    }

    fn is_for(&self, subject: &Subject<'_>) -> bool {
        let ends = |suffix: &String| ends_with(subject.name, suffix.as_bytes());
        (self.suffix.is_empty() || self.suffix.iter().any(ends))
            && (self.types.is_empty() || self.types.iter().any(|kind| is_type(subject.media_type, kind)))
            && (!self.hashed || !subject.is_page() && is_hashed(subject.name, subject.query))
    }

    /// Adds what it says of a file that was changed at `modified`.
    pub(super) fn put(&self, modified: SystemTime, now: SystemTime, fields: &mut Fields) {
        let begin = match self.from {
            Since::Access => now,
            Since::Modified => modified,
        };
        let end = begin.checked_add(self.after).unwrap_or(now);
        let left = end.duration_since(now).unwrap_or_default().as_secs();
        let told = match (left, self.immutable) {
            (0, _) => "no-cache".to_owned(),
            (seconds, false) => format!("max-age={seconds}"),
            (seconds, true) => format!("max-age={seconds}, immutable"),
        };
        fields.try_set(FieldName::CacheControl, told.as_bytes());
        // Nothing that is written here is past the year 9999: the longest time is bounded where it is typed.
        let date = httpdate::fmt_http_date(match left {
            0 => SystemTime::UNIX_EPOCH,
            seconds => now + Duration::from_secs(seconds),
        });
        fields.try_set(FieldName::Expires, date.as_bytes());
    }
}

impl Subject<'_> {
    /// What has an address that visitors keep, and names the files with digests: its own name never changes.
    fn is_page(&self) -> bool {
        ["text/html", "application/xhtml+xml"]
            .iter()
            .any(|page| is_type(self.media_type, page))
    }
}

fn ends_with(name: &[u8], suffix: &[u8]) -> bool {
    let start = name.len().saturating_sub(suffix.len());
    name[start..].eq_ignore_ascii_case(suffix)
}

/// `image/png` is `image/png` and `image/*`, whatever is said of it behind a semicolon.
fn is_type(own: &str, wanted: &str) -> bool {
    let own = own.split(';').next().unwrap_or_default().trim_end();
    match wanted.strip_suffix('*') {
        Some(start) => own
            .get(..start.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(start)),
        None => own.eq_ignore_ascii_case(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn subject<'a>(name: &'a str, media_type: &'a str) -> Subject<'a> {
        Subject {
            name: name.as_bytes(),
            query: None,
            media_type,
        }
    }

    fn told(rule: &Expiry, modified: Duration, now: Duration) -> (String, String) {
        let mut fields = Fields::new();
        let time = |since| SystemTime::UNIX_EPOCH + since;
        rule.put(time(modified), time(now), &mut fields);
        let field = |name| String::from_utf8(fields.get(name).unwrap().to_vec()).unwrap();
        (field(FieldName::CacheControl), field(FieldName::Expires))
    }

    #[test]
    fn the_first_rule_that_is_for_a_file_counts() {
        let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let rules = [
            Expiry {
                hashed: true,
                after: 4 * DAY,
                ..Expiry::default()
            },
            Expiry {
                suffix: text(&[".css", ".js"]),
                after: 3 * DAY,
                ..Expiry::default()
            },
            Expiry {
                types: text(&["image/*", "font/woff2"]),
                after: 2 * DAY,
                ..Expiry::default()
            },
            Expiry {
                suffix: text(&[".html"]),
                types: text(&["text/plain"]),
                after: DAY,
                ..Expiry::default()
            },
        ];
        for (name, kind, days) in [
            ("app.3f2a1c.js", "text/javascript", Some(4)),
            ("page.3f2a1c.html", "text/html; charset=utf-8", None),
            ("page.3f2a1c.xhtml", "application/xhtml+xml", None),
            ("app.js", "text/javascript", Some(3)),
            ("APP.CSS", "text/css", Some(3)),
            ("css", "application/octet-stream", None),
            ("a.png", "image/png", Some(2)),
            ("a", "font/woff2; a=b", Some(2)),
            ("a.html", "text/html", None),
            ("a.html", "text/plain", Some(1)),
            ("a.txt", "text/plain", None),
        ] {
            let found = Expiry::find(&rules, &subject(name, kind)).map(|rule| rule.after);
            assert_eq!(found, days.map(|days| days * DAY), "{name} {kind}");
        }
    }

    #[test]
    fn the_time_begins_when_a_file_is_sent_or_when_it_was_changed() {
        let mut rule = Expiry {
            after: DAY,
            ..Expiry::default()
        };
        let second = (
            "max-age=86400".to_owned(),
            "Sat, 03 Jan 1970 00:00:00 GMT".to_owned(),
        );
        assert_eq!(told(&rule, Duration::ZERO, DAY), second);
        rule.from = Since::Modified;
        let half = (
            "max-age=43200".to_owned(),
            "Fri, 02 Jan 1970 00:00:00 GMT".to_owned(),
        );
        assert_eq!(told(&rule, Duration::ZERO, DAY / 2), half);
        let over = ("no-cache".to_owned(), "Thu, 01 Jan 1970 00:00:00 GMT".to_owned());
        assert_eq!(told(&rule, Duration::ZERO, DAY), over);
        assert_eq!(told(&rule, Duration::ZERO, 9 * DAY), over);
    }

    #[test]
    fn what_does_not_change_is_said_to_be_so() {
        let mut rule = Expiry {
            after: DAY,
            immutable: true,
            ..Expiry::default()
        };
        assert_eq!(told(&rule, DAY, DAY).0, "max-age=86400, immutable");
        rule.after = Duration::ZERO;
        assert_eq!(told(&rule, DAY, DAY).0, "no-cache");
    }
}
