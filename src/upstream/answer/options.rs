//! How an answer goes to its client.

use std::sync::Arc;

use http::StatusCode;
use tokio::time::Instant;

use super::relays::Relays;
use crate::protocol::fields::{FieldName, Fields};
use crate::spool::Limits;
use crate::upstream::wire::pump::Terms;

/// How an answer goes to its client.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Let the application finish when the client leaves.
    pub ignore_abort: bool,
    /// Take answers off their workers at once, and not at the pace of their clients. The application may decide
    /// otherwise about each: `X-Accel-Buffering: no`, `yes`. An event stream is never held back.
    pub buffered: bool,
    /// What an answer that is ahead of its client may take of memory and disk. The sender says when the client is waited
    /// for, by [`Body::detach`](super::Body::detach).
    pub limits: Limits,
    /// How long each step of the application may take; `None`: as its upstream says.
    pub terms: Option<&'a Arc<Terms>>,
    /// Hears of interim answers.
    pub interim: Option<&'a dyn Interim>,
    /// The time, as the caller has just read it: each look at the clock costs.
    pub now: Instant,
    /// Those that read ahead.
    pub relays: &'a Relays,
}

/// Hears of the heads that come before the final one (RFC 9110, section 15.2), 103 for instance; of one request after
/// all of its attempts. 101 is not among them.
pub trait Interim: Send + Sync {
    /// An interim answer with its end-to-end fields.
    fn interim(&self, status: StatusCode, fields: &Fields);
}

impl Options<'_> {
    /// The route's rule, unless the answer has its own.
    pub(super) fn is_buffered(&self, fields: &Fields) -> bool {
        let asked = fields.get(FieldName::XAccelBuffering);
        let asks = |word: &[u8]| asked.is_some_and(|value| value.eq_ignore_ascii_case(word));
        let wanted = asks(b"yes") || self.buffered && !asks(b"no");
        wanted && !is_event_stream(fields)
    }
}

/// Server-sent events are read one by one (WHATWG HTML, section 9.2).
fn is_event_stream(fields: &Fields) -> bool {
    let kind = fields.get(FieldName::ContentType);
    let kind = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
    kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
}
