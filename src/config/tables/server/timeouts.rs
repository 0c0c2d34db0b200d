//! `[server] timeouts`.

use std::time::Duration;

use crate::config::table::table;
use crate::config::units::{DEADLINE, Time};
use crate::frontend::FrontendConfig;

table! {
    /// Deadlines of the client side. Those of clients hold unless a [[listen]] has its own.
    pub(in crate::config) struct ServerTimeouts for FrontendConfig {
        /// Longest time from a connection to the end of what comes in front of its first request: the header of the PROXY
        /// protocol, the TLS handshake.
        handshake: Duration as DEADLINE => edge.timeouts.handshake,
        /// How long a connection may be without a request, before its first one and between two.
        idle: Duration as DEADLINE => edge.timeouts.idle,
        /// Longest time from the first byte of a request head to its end; 408 after it. Also how long a client that
        /// closed its sending side still gets its answer.
        head: Duration as DEADLINE => edge.timeouts.head,
        /// Longest pause between two reads of a request body; 408 after it.
        body: Duration as DEADLINE => edge.timeouts.body,
        /// Longest pause between two successful writes to the client; in HTTP/2, until it takes a KiB more of each stream.
        send: Duration as DEADLINE => edge.timeouts.send,
        /// How long the gateway reads from a connection that it has ended, so that the client gets its answer.
        linger: Duration as Time => edge.timeouts.linger,
        /// Time between two PINGs to an HTTP/2 client, and for its answer to one.
        h2_ping: Duration as DEADLINE => edge.timeouts.h2_ping,
        /// How long a tunnel (WebSocket) may be silent in both directions.
        tunnel: Duration as DEADLINE => edge.timeouts.tunnel,
        /// How long open requests may go on after a stop was asked for.
        drain: Duration as Time => timeouts.drain,
        /// How long a client may still send a request on an idle connection that is about to be closed.
        grace: Duration as Time => timeouts.grace,
        /// How long answers and tunnels may go on whose upstream a reload has changed or removed, and everything in a
        /// process that was replaced.
        generation: Duration as Time => timeouts.generation,
        /// How long the new process of a replacement may take until it serves; else the old one stays.
        replace: Duration as DEADLINE => timeouts.replace,
        /// How long logs, listeners and directories may take to open, at a start and at a reload.
        open: Duration as DEADLINE => timeouts.open,
    }
}
