//! `limits` of a route.

use std::time::Duration;

use crate::config::at::At;
use crate::config::table::table;
use crate::config::units::{ANY_SIZE, DEADLINE, OneOrMore, Plain};
use crate::frontend::config::{Limits as Settings, Route};

table! {
    /// Limits of requests on this route.
    pub(in crate::config) struct Limits for Settings {
        /// Largest request body; 413 above.
        body: u64 as ANY_SIZE,
        /// Bytes a second that a client has to send of a body; 408 below. 0: any, which is the default where request
        /// bodies are not buffered.
        upload_rate: u64 as ANY_SIZE,
        /// Bytes a second that a client has to take of an answer; its connection is cut below. 0: any.
        download_rate: u64 as ANY_SIZE,
        /// How long a client may lag behind these rates. Waiting for the application does not count.
        rate_grace: Duration as DEADLINE,
        /// Bytes a second that a client gets of each answer at most, as with nginx's `limit_rate`. No worker is held up by that
        /// where answers are buffered. `X-Accel-Limit-Rate` of an application comes first, where that is heeded. 0: any.
        bandwidth: u64 as ANY_SIZE,
        /// Bytes of an answer that go as fast as the client takes them before `bandwidth` counts.
        bandwidth_after: u64 as ANY_SIZE,
        /// Limits that requests of this route share with those of other routes: the names of their tables,
        /// `[limit.NAME]`. A request counts once for each. Default: none.
        shared: Vec<String> as OneOrMore(Plain) => _,
    }
}

/// What there is, as it would be typed.
pub(super) fn shown(route: &Route) -> Limits {
    let names = &route.shared_limits;
    Limits {
        shared: (!names.is_empty()).then(|| At::nowhere(names.clone())),
        ..Limits::plain(&route.limits)
    }
}
