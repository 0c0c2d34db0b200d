//! Conditional and range requests: RFC 9110, sections 13.2.2 and 14.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use super::root::File;
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

/// What tells one version of a file from another: the same on every machine that has a copy with the same time.
#[derive(Debug)]
pub(super) struct Validators {
    /// Strong: size and modification time to the nanosecond change with the contents. `None` when the time tells
    /// nothing.
    pub(super) etag: Option<String>,
    /// Whole seconds; `None` when the time tells nothing, or cannot be written as an HTTP date.
    pub(super) modified: Option<SystemTime>,
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

/// What of the file is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it. Also the answer to ranges that we do not understand, and to several at once.
    Whole,
    /// These bytes, never none.
    Bytes(Range<u64>),
    /// 416: nothing of it.
    Unsatisfiable,
}

impl Validators {
    pub(super) fn of(file: &File) -> Self {
        let since = file.modified.duration_since(SystemTime::UNIX_EPOCH).ok();
        let since = since.filter(|since| since.as_secs() > EPOCH.as_secs());
        let writable = since.filter(|since| *since < YEAR_10000);
        Self {
            etag: since.map(|since| format!("\"{:x}-{:x}\"", since.as_nanos(), file.size)),
            modified: writable.map(|since| SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())),
        }
    }

    /// Evaluates the preconditions of a GET or HEAD request in the order of section 13.2.2.
    pub(super) fn check(&self, fields: &Fields) -> Precondition {
        if fields.present().and(CONDITIONS).is_empty() {
            return Precondition::Holds;
        }
        let unmatched = match self.listed(fields, FieldName::IfMatch, |tag| tag) {
            Some(listed) => !listed,
            None => self.since(fields, FieldName::IfUnmodifiedSince, |modified, date| {
                modified > date
            }),
        };
        if unmatched {
            return Precondition::Failed;
        }
        let unchanged = match self.listed(fields, FieldName::IfNoneMatch, strip_weak) {
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

    /// Which part of `len` bytes a GET request asks for.
    pub(super) fn part(&self, fields: &Fields, len: u64) -> Part {
        let only = !fields.repeated().contains(FieldName::Range);
        match fields.get(FieldName::Range) {
            Some(range) if only && len > 0 && self.if_range(fields) => part(range, len),
            _ => Part::Whole,
        }
    }

    /// Whether our tag is in a list; `None` without such a field. Our tag holds no comma, so a comma inside of
    /// another one does no harm.
    fn listed(&self, fields: &Fields, name: FieldName, form: fn(&[u8]) -> &[u8]) -> Option<bool> {
        if !fields.contains(name) {
            return None;
        }
        let mut tags = fields.all(name).flat_map(members);
        Some(tags.any(|tag| tag == b"*" || self.is_tag(form(tag))))
    }

    /// Compares our date with the one in a field; a missing or malformed field counts as no.
    fn since(&self, fields: &Fields, name: FieldName, is: fn(SystemTime, SystemTime) -> bool) -> bool {
        let date = fields.get(name).and_then(date);
        self.modified
            .zip(date)
            .is_some_and(|(modified, date)| is(modified, date))
    }

    /// Section 13.1.5: a part only of the version that the client knows. A date must be ours exactly.
    fn if_range(&self, fields: &Fields) -> bool {
        let Some(condition) = fields.get(FieldName::IfRange) else {
            return true;
        };
        self.is_tag(condition) || (self.modified.is_some() && date(condition) == self.modified)
    }

    fn is_tag(&self, tag: &[u8]) -> bool {
        self.etag.as_ref().is_some_and(|etag| etag.as_bytes() == tag)
    }
}

fn date(field: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(field).ok()?).ok()
}

fn strip_weak(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Section 14.1.2, for one range of bytes.
fn part(range: &[u8], len: u64) -> Part {
    let spec = range
        .split_at_checked(6)
        .filter(|(unit, _)| unit.eq_ignore_ascii_case(b"bytes="));
    let Some((first, last)) = spec.and_then(|(_, spec)| split_once(spec.trim_ascii(), b'-')) else {
        return Part::Whole;
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, len.min(last.saturating_add(1))),
        (Some(first), None) if last.is_empty() => (first, len),
        (None, Some(suffix)) if first.is_empty() => (len.saturating_sub(suffix), len),
        _ => return Part::Whole,
    };
    if start >= end {
        return Part::Unsatisfiable;
    }
    Part::Bytes(start..end)
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(at, bytes)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// Digits only; what exceeds 64 bits is beyond the end of every file.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn validators() -> Validators {
        Validators {
            etag: Some("\"1-2-3\"".to_owned()),
            modified: httpdate::parse_http_date(DATE).ok(),
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
    fn one_range_of_bytes_is_understood_and_anything_else_gives_the_whole() {
        use Part::{Bytes, Unsatisfiable, Whole};
        for (range, expected) in [
            ("bytes=0-0", Bytes(0..1)),
            ("bytes=0-99", Bytes(0..100)),
            ("bytes=10-", Bytes(10..100)),
            ("BYTES=10-19", Bytes(10..20)),
            ("bytes=90-1000", Bytes(90..100)),
            ("bytes=90-99999999999999999999999", Bytes(90..100)),
            ("bytes=-1", Bytes(99..100)),
            ("bytes=-1000", Bytes(0..100)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-4", Whole),
            ("bytes=0-1,5-6", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=--1", Whole),
            ("bytes", Whole),
            ("lines=0-1", Whole),
            ("", Whole),
        ] {
            assert_eq!(
                validators().part(&fields(&[(FieldName::Range, range)]), 100),
                expected,
                "{range}"
            );
        }
        assert_eq!(
            validators().part(&fields(&[(FieldName::Range, "bytes=0-")]), 0),
            Whole
        );
        let two = fields(&[(FieldName::Range, "bytes=0-0"), (FieldName::Range, "bytes=1-1")]);
        assert_eq!(validators().part(&two, 100), Whole);
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
            let expected = if same { Part::Bytes(0..1) } else { Part::Whole };
            assert_eq!(validators().part(&fields, 100), expected, "{condition}");
        }
    }
}
