//! An answer on its way from the worker to the front end. A body owns its lease until the worker has written all.

mod body;
mod buffered;
mod lease;
mod options;
mod relays;
mod running;
mod source;
mod switched;

pub use body::Body;
pub use options::{Interim, Options};
pub use relays::Relays;
pub use switched::Switched;

pub(super) use lease::Lease;
pub(super) use running::Rest;
pub(super) use source::Source;

use http::StatusCode;

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
