//! Conditional and range requests: RFC 9110, sections 13.2.2 and 14.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use http::header::{
    HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE,
};

use super::root::File;

/// First second that an HTTP date cannot express: year 10000.
const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);

/// What tells one version of a file from another.
#[derive(Debug)]
pub(super) struct Validators {
    /// Strong: size, modification time to the nanosecond and inode change with the contents.
    pub(super) etag: HeaderValue,
    /// Whole seconds; `None` when the time cannot be written as an HTTP date.
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
        let nanos = since.unwrap_or_default().as_nanos();
        let etag = format!("\"{:x}-{:x}-{nanos:x}\"", file.inode, file.size);
        let writable = since.filter(|since| *since < YEAR_10000);
        Self {
            etag: HeaderValue::try_from(etag).expect("hexadecimal digits"),
            modified: writable.map(|since| SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())),
        }
    }

    /// Evaluates the preconditions of a GET or HEAD request in the order of section 13.2.2.
    pub(super) fn check(&self, headers: &HeaderMap) -> Precondition {
        let unmatched = match self.listed(headers, &IF_MATCH, |tag| tag) {
            Some(listed) => !listed,
            None => self.since(headers, &IF_UNMODIFIED_SINCE, |modified, date| modified > date),
        };
        if unmatched {
            return Precondition::Failed;
        }
        let unchanged = match self.listed(headers, &IF_NONE_MATCH, strip_weak) {
            Some(listed) => listed,
            None => self.since(headers, &IF_MODIFIED_SINCE, |modified, date| modified <= date),
        };
        if unchanged {
            return Precondition::NotModified;
        }
        Precondition::Holds
    }

    /// Which part of `len` bytes a GET request asks for.
    pub(super) fn part(&self, headers: &HeaderMap, len: u64) -> Part {
        let mut ranges = headers.get_all(RANGE).iter();
        match (ranges.next(), ranges.next()) {
            (Some(range), None) if len > 0 && self.if_range(headers) => part(range.as_bytes(), len),
            _ => Part::Whole,
        }
    }

    /// Whether our tag is in a list; `None` without such a field. Our tag holds no comma, so a comma inside of
    /// another one does no harm.
    fn listed(&self, headers: &HeaderMap, name: &HeaderName, form: fn(&[u8]) -> &[u8]) -> Option<bool> {
        if !headers.contains_key(name) {
            return None;
        }
        let fields = headers.get_all(name).iter();
        let mut tags = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b','));
        Some(tags.any(|tag| {
            let tag = tag.trim_ascii();
            tag == b"*" || form(tag) == self.etag.as_bytes()
        }))
    }

    /// Compares our date with the one in a field; a missing or malformed field counts as no.
    fn since(&self, headers: &HeaderMap, name: &HeaderName, is: fn(SystemTime, SystemTime) -> bool) -> bool {
        let date = headers.get(name).and_then(date);
        self.modified
            .zip(date)
            .is_some_and(|(modified, date)| is(modified, date))
    }

    /// Section 13.1.5: a part only of the version that the client knows. A date must be ours exactly.
    fn if_range(&self, headers: &HeaderMap) -> bool {
        let Some(field) = headers.get(IF_RANGE) else {
            return true;
        };
        field == self.etag || (self.modified.is_some() && date(field) == self.modified)
    }
}

fn date(field: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(field.to_str().ok()?).ok()
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
            etag: HeaderValue::from_static("\"1-2-3\""),
            modified: httpdate::parse_http_date(DATE).ok(),
        }
    }

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        let field =
            |(name, value): &(HeaderName, &'static str)| (name.clone(), HeaderValue::from_static(value));
        fields.iter().map(field).collect()
    }

    #[test]
    fn preconditions_are_evaluated_in_the_order_of_the_rfc() {
        use Precondition::{Failed, Holds, NotModified};
        for (fields, expected) in [
            (&[][..], Holds),
            (&[(IF_NONE_MATCH, "\"1-2-3\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"a\", W/\"1-2-3\"")], NotModified),
            (&[(IF_NONE_MATCH, "*")], NotModified),
            (&[(IF_NONE_MATCH, "\"a\"")], Holds),
            (&[(IF_NONE_MATCH, "1-2-3")], Holds),
            (&[(IF_NONE_MATCH, "\"a\""), (IF_MODIFIED_SINCE, DATE)], Holds),
            (&[(IF_MODIFIED_SINCE, DATE)], NotModified),
            (&[(IF_MODIFIED_SINCE, LATER)], NotModified),
            (&[(IF_MODIFIED_SINCE, EARLIER)], Holds),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Holds),
            (&[(IF_MATCH, "\"1-2-3\"")], Holds),
            (&[(IF_MATCH, "*")], Holds),
            (&[(IF_MATCH, "W/\"1-2-3\"")], Failed),
            (&[(IF_MATCH, "\"a\"")], Failed),
            (&[(IF_MATCH, "\"1-2-3\""), (IF_UNMODIFIED_SINCE, EARLIER)], Holds),
            (&[(IF_UNMODIFIED_SINCE, EARLIER)], Failed),
            (&[(IF_UNMODIFIED_SINCE, DATE)], Holds),
            (&[(IF_MATCH, "\"a\""), (IF_NONE_MATCH, "\"1-2-3\"")], Failed),
            (
                &[(IF_MATCH, "\"1-2-3\""), (IF_NONE_MATCH, "\"1-2-3\"")],
                NotModified,
            ),
        ] {
            assert_eq!(validators().check(&headers(fields)), expected, "{fields:?}");
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
                validators().part(&headers(&[(RANGE, range)]), 100),
                expected,
                "{range}"
            );
        }
        assert_eq!(validators().part(&headers(&[(RANGE, "bytes=0-")]), 0), Whole);
        let two = headers(&[(RANGE, "bytes=0-0"), (RANGE, "bytes=1-1")]);
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
            let headers = headers(&[(RANGE, "bytes=0-0"), (IF_RANGE, condition)]);
            let expected = if same { Part::Bytes(0..1) } else { Part::Whole };
            assert_eq!(validators().part(&headers, 100), expected, "{condition}");
        }
    }
}
