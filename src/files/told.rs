//! What is told about a file, whatever is asked of it.

use std::time::{Duration, SystemTime};

use super::coding::Coding;
use super::conditional::Validators;
use super::delivery::Delivery;
use super::mime::content_type;
use crate::protocol::fields::{FieldName, FieldNames, Fields};

/// Fields that are about the contents that come with them.
const OF_CONTENTS: FieldNames = FieldNames::of(&[
    FieldName::ContentType,
    FieldName::ContentEncoding,
    FieldName::AcceptRanges,
]);

/// What is told about a file.
#[derive(Debug)]
pub(super) struct Told {
    /// What tells its versions apart.
    pub(super) validators: Validators,
    /// The fields of an answer with its contents.
    pub(super) fields: Fields,
}

impl Told {
    /// That of a file of this size and age; `name` is its name, or that of the one whose coding it is.
    pub(super) fn of(
        (size, modified): (u64, SystemTime),
        name: &[u8],
        coding: Option<Coding>,
        delivery: &Delivery,
    ) -> Self {
        let now = SystemTime::now();
        let validators = Validators::of(size, modified, coding.map(Coding::as_str), now);
        let mut fields = Fields::with_capacity(8);
        fields.try_set(FieldName::ContentType, content_type(name, delivery).as_bytes());
        if let Some(coding) = coding {
            fields.append(FieldName::ContentEncoding, coding.as_str());
        }
        if !delivery.precompressed.is_empty() {
            fields.append(FieldName::Vary, "Accept-Encoding");
        }
        if delivery.max_ranges > 0 {
            fields.append(FieldName::AcceptRanges, "bytes");
        }
        if let Some(modified) = validators.modified() {
            let date = httpdate::fmt_http_date(not_later(modified, now));
            fields.try_set(FieldName::LastModified, date.as_bytes());
        }
        if let Some(etag) = validators.etag() {
            fields.try_set(FieldName::Etag, etag.as_bytes());
        }
        fields.share();
        Self { validators, fields }
    }

    /// The fields of an answer without its contents.
    pub(super) fn without_contents(&self) -> Fields {
        let mut fields = self.fields.clone();
        fields.remove_all(OF_CONTENTS);
        fields
    }
}

/// What a client is told of when a file was changed: nothing that is later than the `Date` of the answer (RFC 9110, section
/// 8.8.2.1). That is made apart from this, of the clock as it was a moment ago: hence the second between them.
fn not_later(modified: SystemTime, now: SystemTime) -> SystemTime {
    match modified > now {
        true => now - Duration::from_secs(1),
        false => modified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_not_later_than_the_answer() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(not_later(now, now), now);
        let future = now + Duration::from_nanos(1);
        assert_eq!(not_later(future, now), now - Duration::from_secs(1));
    }
}
