//! Conditional requests: RFC 9110, section 13.2.2.

use std::time::{Duration, SystemTime};

use crate::protocol::fields::{FieldName, FieldNames, Fields, members};

/// What makes a request conditional.
const CONDITIONS: FieldNames = FieldNames::of(&[
    FieldName::IfMatch,
    FieldName::IfUnmodifiedSince,
    FieldName::IfNoneMatch,
    FieldName::IfModifiedSince,
]);

/// First second that an HTTP date cannot express: year 10000.
const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);

/// Last second of the times that tell nothing: builds that are to be reproducible, packages and images of containers
/// among them, give every file the time 0 or 1.
const EPOCH: Duration = Duration::from_secs(1);

/// How long two changes of a file may have the same time, where that is told to the nanosecond: the system's clock for it
/// ticks a hundred times a second, at least.
const TICK: Duration = Duration::from_millis(20);

/// The same where it is told in seconds only: FAT has even ones.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// A date tells a version from another when it is so much earlier than the answer (RFC 9110, section 8.8.2.2).
const STRONG_DATE: Duration = Duration::from_secs(1);

/// What tells one version of a file from another: the same on every machine that has a copy with the same time.
#[derive(Debug)]
pub(super) struct Validators {
    /// Size and modification time to the nanosecond change with the contents. `None` when the time tells nothing.
    tag: Option<String>,
    /// The file may change once more without another time: its tag is as good as a weak one.
    weak: bool,
    /// Whole seconds; `None` when the time tells nothing, or cannot be written as an HTTP date.
    modified: Option<SystemTime>,
    /// The date is no better than a weak tag.
    weak_date: bool,
}

/// What the preconditions say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    /// Answer as if there were none.
    Holds,
    /// 304: the client has it.
    NotModified,
    /// 412: the client expected another version.
    Failed,
}

impl Validators {
    /// Those of a file at `now`; `coding` is what it is in, when another one is the plain form.
    pub(super) fn of(size: u64, modified: SystemTime, coding: Option<&str>, now: SystemTime) -> Self {
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok();
        let since = since.filter(|since| since.as_secs() > EPOCH.as_secs());
        let writable = since.filter(|since| *since < YEAR_10000);
        let (hyphen, coding) = coding.map_or(("", ""), |coding| ("-", coding));
        let tick = match since.map(|since| since.subsec_nanos()) {
            Some(0) => COARSE_TICK,
            _ => TICK,
        };
        // What is in the future was set, and will not be by a change.
        let age = now.duration_since(modified);
        Self {
            tag: since.map(|since| format!("\"{:x}-{size:x}{hyphen}{coding}\"", since.as_nanos())),
            weak: age.as_ref().is_ok_and(|age| *age < tick),
            modified: writable.map(|since| SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())),
            weak_date: age.is_ok_and(|age| age < STRONG_DATE),
        }
    }

    /// The value of `ETag`.
    pub(super) fn etag(&self) -> Option<String> {
        let tag = self.tag.as_ref()?;
        Some(match self.weak {
            true => format!("W/{tag}"),
            false => tag.clone(),
        })
    }

    /// The time of `Last-Modified`.
    pub(super) fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// Evaluates the preconditions of a GET or HEAD request in the order of section 13.2.2.
    pub(super) fn check(&self, fields: &Fields) -> Precondition {
        if fields.present().and(CONDITIONS).is_empty() {
            return Precondition::Holds;
        }
        let unmatched = match self.listed(fields, FieldName::IfMatch, Self::is_exactly) {
            Some(listed) => !listed,
            None => self.since(fields, FieldName::IfUnmodifiedSince, |modified, date| {
                modified > date
            }),
        };
        if unmatched {
            return Precondition::Failed;
        }
        let unchanged = match self.listed(fields, FieldName::IfNoneMatch, Self::is_likely) {
            Some(listed) => listed,
            None => self.since(fields, FieldName::IfModifiedSince, |modified, date| {
                modified <= date
            }),
        };
        if unchanged {
            return Precondition::NotModified;
        }
        Precondition::Holds
    }

    /// Whether a GET request asks for parts of this version, if it does (section 13.1.5). A date must be ours exactly.
    pub(super) fn if_range(&self, fields: &Fields) -> bool {
        let Some(condition) = fields.get(FieldName::IfRange) else {
            return true;
        };
        let is_dated = self.modified.is_some() && !self.weak_date;
        self.is_exactly(condition) || (is_dated && date(condition) == self.modified)
    }

    /// Whether our tag is in a list; `None` without such a field. Our tag holds no comma, so a comma inside of
    /// another one does no harm.
    fn listed(&self, fields: &Fields, name: FieldName, is: fn(&Self, &[u8]) -> bool) -> Option<bool> {
        if !fields.contains(name) {
            return None;
        }
        let mut tags = fields.all(name).flat_map(members);
        Some(tags.any(|tag| tag == b"*" || is(self, tag)))
    }

    /// Compares our date with the one in a field; a missing or malformed field counts as no.
    fn since(&self, fields: &Fields, name: FieldName, is: fn(SystemTime, SystemTime) -> bool) -> bool {
        let date = fields.get(name).and_then(date);
        self.modified
            .zip(date)
            .is_some_and(|(modified, date)| is(modified, date))
    }

    /// Strong comparison (section 8.8.3.2).
    fn is_exactly(&self, tag: &[u8]) -> bool {
        !self.weak && self.tag.as_ref().is_some_and(|own| own.as_bytes() == tag)
    }

    /// Weak comparison.
    fn is_likely(&self, tag: &[u8]) -> bool {
        let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
        self.tag.as_ref().is_some_and(|own| own.as_bytes() == tag)
    }
}

fn date(field: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(field).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn validators() -> Validators {
        Validators {
            tag: Some("\"1-2-3\"".to_owned()),
            weak: false,
            modified: httpdate::parse_http_date(DATE).ok(),
            weak_date: false,
        }
    }

    fn fields(pairs: &[(FieldName, &'static str)]) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in pairs {
            fields.append(*name, *value);
        }
        fields
    }

    #[test]
    fn preconditions_are_evaluated_in_the_order_of_the_rfc() {
        use FieldName::{IfMatch, IfModifiedSince, IfNoneMatch, IfUnmodifiedSince};
        use Precondition::{Failed, Holds, NotModified};
        for (pairs, expected) in [
            (&[][..], Holds),
            (&[(IfNoneMatch, "\"1-2-3\"")], NotModified),
            (&[(IfNoneMatch, "\"a\", W/\"1-2-3\"")], NotModified),
            (&[(IfNoneMatch, "*")], NotModified),
            (&[(IfNoneMatch, "\"a\"")], Holds),
            (&[(IfNoneMatch, "1-2-3")], Holds),
            (&[(IfNoneMatch, "\"a\""), (IfModifiedSince, DATE)], Holds),
            (&[(IfModifiedSince, DATE)], NotModified),
            (&[(IfModifiedSince, LATER)], NotModified),
            (&[(IfModifiedSince, EARLIER)], Holds),
            (&[(IfModifiedSince, "yesterday")], Holds),
            (&[(IfMatch, "\"1-2-3\"")], Holds),
            (&[(IfMatch, "*")], Holds),
            (&[(IfMatch, "W/\"1-2-3\"")], Failed),
            (&[(IfMatch, "\"a\"")], Failed),
            (&[(IfMatch, "\"1-2-3\""), (IfUnmodifiedSince, EARLIER)], Holds),
            (&[(IfUnmodifiedSince, EARLIER)], Failed),
            (&[(IfUnmodifiedSince, DATE)], Holds),
            (&[(IfMatch, "\"a\""), (IfNoneMatch, "\"1-2-3\"")], Failed),
            (&[(IfMatch, "\"1-2-3\""), (IfNoneMatch, "\"1-2-3\"")], NotModified),
        ] {
            assert_eq!(validators().check(&fields(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_never_sent() {
        for (condition, same) in [
            ("\"1-2-3\"", true),
            (DATE, true),
            ("W/\"1-2-3\"", false),
            ("\"a\"", false),
            (LATER, false),
            (EARLIER, false),
            ("rubbish", false),
        ] {
            let fields = fields(&[(FieldName::Range, "bytes=0-0"), (FieldName::IfRange, condition)]);
            assert_eq!(validators().if_range(&fields), same, "{condition}");
        }
        assert!(validators().if_range(&fields(&[])));
    }

    #[test]
    fn a_file_that_may_change_within_its_time_has_a_weak_tag() {
        let changed = SystemTime::UNIX_EPOCH + Duration::new(1_000_000, 5);
        let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (modified, age, weak) in [
            (changed, Duration::ZERO, true),
            (changed, TICK / 2, true),
            (changed, TICK, false),
            (whole, TICK, true),
            (whole, COARSE_TICK, false),
        ] {
            let validators = Validators::of(10, modified, None, modified + age);
            assert_eq!(validators.weak, weak, "{age:?}");
            assert_eq!(validators.etag().unwrap().starts_with("W/"), weak);
            let tag = validators.tag.clone().unwrap();
            assert_eq!(validators.is_exactly(tag.as_bytes()), !weak);
            assert!(validators.is_likely(tag.as_bytes()));
        }
        let future = Validators::of(10, changed, None, changed - TICK);
        assert!(!future.weak);
    }

    #[test]
    fn a_date_of_this_second_names_no_version() {
        let modified = httpdate::parse_http_date(DATE).unwrap();
        let asked = fields(&[(FieldName::IfRange, DATE)]);
        for (age, same) in [(STRONG_DATE / 2, false), (STRONG_DATE, true)] {
            let validators = Validators::of(10, modified, None, modified + age);
            assert_eq!(validators.if_range(&asked), same);
        }
    }

    #[test]
    fn a_coding_has_a_tag_of_its_own() {
        let modified = httpdate::parse_http_date(DATE).unwrap();
        let etag = |coding| {
            let validators = Validators::of(10, modified, coding, modified + COARSE_TICK);
            validators.etag().unwrap()
        };
        assert_eq!(etag(Some("br")), etag(None).replace("-a\"", "-a-br\""));
        assert_ne!(etag(Some("br")), etag(None));
    }
}
