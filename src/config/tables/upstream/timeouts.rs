//! `[upstream.NAME] timeouts`.

use std::time::Duration;

use crate::config::table::table;
use crate::config::units::DEADLINE;
use crate::upstream::model::config::Timeouts;

table! {
    /// Deadlines of one exchange.
    pub(in crate::config) struct UpstreamTimeouts for Timeouts {
        /// Longest time until a connection is made; then the next endpoint is tried, 504 if there is none.
        connect: Duration as DEADLINE,
        /// Longest pause between two successful writes of the request.
        send: Duration as DEADLINE,
        /// Longest time from the end of the request to the complete response head; 504 after it.
        head: Duration as DEADLINE,
        /// Longest pause between two reads of the response body.
        read: Duration as DEADLINE,
        /// How long a kept connection may be unused before it is closed.
        idle: Duration as DEADLINE,
    }
}
