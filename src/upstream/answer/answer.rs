//! What comes up from an application.

use http::StatusCode;

use super::body::Body;
use crate::protocol::fields::Fields;

/// An answer whose head is complete.
pub struct Answer {
    /// Its status; 101 only with a body that is [`Body::Switched`].
    pub status: StatusCode,
    /// End-to-end fields, `Content-Length` not among them; `Upgrade` after a switch of protocols.
    pub fields: Fields,
    /// The length that an answer without a body announces all the same (RFC 9110, section 8.6): HEAD, 304.
    pub length: Option<u64>,
    /// Its body; the slot and the connection are owned by it.
    pub body: Body,
}
