//! Fields behind a body (RFC 9110, section 6.5).

use crate::protocol::fields::{FieldName, FieldNames, Fields};

/// Those that a gateway may pass on behind a body, if there are any.
pub(super) fn permitted(mut fields: Box<Fields>) -> Option<Box<Fields>> {
    fields.remove_all(IN_HEADS);
    (!fields.is_empty()).then_some(fields)
}

/// What has to be known before the body: its framing, its form, which clients may see it, and what becomes of the
/// answer (RFC 9110, section 6.5.1). A recipient that adds trailers to the fields of the head must not be told of
/// another answer.
const IN_HEADS: FieldNames = FieldNames::of(&[
    FieldName::Age,
    FieldName::Authorization,
    FieldName::CacheControl,
    FieldName::Connection,
    FieldName::ContentEncoding,
    FieldName::ContentLength,
    FieldName::ContentRange,
    FieldName::ContentType,
    FieldName::Cookie,
    FieldName::Date,
    FieldName::Expires,
    FieldName::Host,
    FieldName::KeepAlive,
    FieldName::Location,
    FieldName::ProxyAuthenticate,
    FieldName::ProxyConnection,
    FieldName::RetryAfter,
    FieldName::Server,
    FieldName::SetCookie,
    FieldName::Te,
    FieldName::Trailer,
    FieldName::TransferEncoding,
    FieldName::Upgrade,
    FieldName::Vary,
    FieldName::WwwAuthenticate,
]);
