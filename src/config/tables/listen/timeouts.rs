//! `timeouts` of a `[[listen]]`.

use std::time::Duration;

use crate::config::table::table;
use crate::config::units::{DEADLINE, Time};
use crate::frontend::config::ClientTimeouts;

table! {
    /// Deadlines of the clients of this listener; each that is not here is that of `[server]`.
    pub(in crate::config) struct ListenTimeouts for ClientTimeouts {
        /// See `[server] timeouts`. Default: as there.
        handshake: Duration as DEADLINE,
        /// How long a connection may be without a request. Default: as in `[server]`.
        idle: Duration as DEADLINE,
        /// Longest time for a request head. Default: as in `[server]`.
        head: Duration as DEADLINE,
        /// Longest pause between two reads of a request body. Default: as in `[server]`.
        body: Duration as DEADLINE,
        /// Longest pause between two successful writes. Default: as in `[server]`.
        send: Duration as DEADLINE,
        /// How long the gateway reads from a connection that it has ended. Default: as in `[server]`.
        linger: Duration as Time,
        /// Time between two PINGs, and for the answer to one. Default: as in `[server]`.
        h2_ping: Duration as DEADLINE,
        /// How long a tunnel may be silent. Default: as in `[server]`.
        tunnel: Duration as DEADLINE,
    }
}
