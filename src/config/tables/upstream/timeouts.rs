//! `[upstream.NAME] timeouts`.

use std::time::Duration;

use crate::config::table::table;
use crate::config::units::Deadline;
use crate::upstream::config::Timeouts;

table! {
    /// Deadlines of one exchange.
    pub(in crate::config) struct UpstreamTimeouts for Timeouts {
        /// Until the connection stands; 504 after it, unless another endpoint takes the request.
        connect: Duration as Deadline,
        /// Between two successful writes.
        send: Duration as Deadline,
        /// From the end of the request to the complete response head; 504 after it.
        head: Duration as Deadline,
        /// Between two reads of the response body.
        read: Duration as Deadline,
        /// An unused kept connection is closed after this time.
        idle: Duration as Deadline,
    }
}
