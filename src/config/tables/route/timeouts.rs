//! `timeouts` of a route.

use std::time::Duration;

use crate::config::at::At;
use crate::config::table::{Section, table};
use crate::config::units::DEADLINE;
use crate::frontend::config::RouteTimeouts as Settings;
use crate::upstream::model::config::ExchangeTimeouts as OfUpstream;

table! {
    /// Deadlines of requests on this route, in place of those of the listener and of the upstream.
    pub(in crate::config) struct RouteTimeouts for Settings {
        /// Longest pause between two reads of a request body; 408 after it. Default: as the listener says.
        body: Duration as DEADLINE,
        /// Longest pause between two successful writes to the client. Default: as the listener says.
        send: Duration as DEADLINE,
        /// How long a tunnel (WebSocket) may be silent in both directions. Default: as the listener says.
        tunnel: Duration as DEADLINE,
        upstream: ExchangeTimeouts as Section,
    }
}

table! {
    /// Deadlines of the application: `{ head = "10m", read = "10m" }` for a report that takes its time.
    pub(in crate::config) struct ExchangeTimeouts for OfUpstream {
        /// Longest pause between two writes of the request. Default: as the upstream says.
        send: Duration as DEADLINE,
        /// Longest time from the end of the request to the end of the answer's head; 504 after it. Default: as the upstream
        /// says.
        head: Duration as DEADLINE,
        /// Longest pause between two reads of the answer. Default: as the upstream says.
        read: Duration as DEADLINE,
    }
}

/// The deadlines that a route has, as they would be typed.
pub(super) fn shown(timeouts: &Settings) -> Option<At<RouteTimeouts>> {
    let mut shown = RouteTimeouts::plain(timeouts);
    shown.upstream = shown
        .upstream
        .filter(|_| timeouts.upstream != OfUpstream::default());
    (*timeouts != Settings::default()).then(|| At::nowhere(shown))
}
