//! `[server] timeouts`.

use std::time::Duration;

use crate::config::table::table;
use crate::config::units::{Deadline, Time};
use crate::frontend::config::Timeouts;

table! {
    /// Deadlines of the client side.
    pub(in crate::config) struct ServerTimeouts for Timeouts {
        /// Without a request on a connection, before its first one and between two.
        idle: Duration as Deadline,
        /// From the first byte of a request head to its end; 408 after it. Also how long a client that closed its
        /// sending side still gets its answer.
        head: Duration as Deadline,
        /// Between two reads of a request body; 408 after it.
        body: Duration as Deadline,
        /// Between two successful writes to the client; of HTTP/2, on each stream.
        send: Duration as Deadline,
        /// How long a connection that was ended by us is read from, so that the client gets its answer.
        linger: Duration as Time,
        /// Between two PINGs to an HTTP/2 client, and for its answer to one.
        h2_ping: Duration as Deadline,
        /// How long nothing may move in either direction of a tunnel (WebSocket).
        tunnel: Duration as Deadline,
        /// How long open requests may go on after a stop was asked for.
        drain: Duration as Time,
        /// How long a client may still send a request on an idle connection that is about to be closed.
        grace: Duration as Time,
        /// How long answers and tunnels may go on whose upstream a reload has changed or removed, and everything in a
        /// process that was replaced.
        generation: Duration as Time,
        /// How long the new process of a replacement may take until it serves; else the old one stays.
        replace: Duration as Deadline,
    }
}
