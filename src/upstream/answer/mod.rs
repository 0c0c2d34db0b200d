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

use crate::protocol::ResponseHead;

/// An answer whose head is complete.
pub struct UpstreamAnswer {
    /// Its head. The status is 101 only with a body that is [`Body::Switched`]; `Upgrade` is among the fields only after
    /// a switch of protocols; the length is the one that an answer without a body announces all the same (RFC 9110,
    /// section 8.6): HEAD, 304.
    pub head: Box<ResponseHead>,
    /// Its body; the slot and the connection are owned by it.
    pub body: Body,
}
