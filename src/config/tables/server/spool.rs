//! `[server] spool`.

use crate::config::table::table;
use crate::config::units::ANY_SIZE;
use crate::spool::SpoolConfig;

table! {
    /// What bodies together may take of memory and of the disk.
    pub(in crate::config) struct ServerSpool for SpoolConfig {
        /// Memory for all bodies that wait, in both directions, and in streams of HTTP/2. Above it each body is left
        /// with one chunk and goes to disk at once.
        memory: u64 as ANY_SIZE => memory_total,
        /// Disk for all bodies in both directions. Above it a request is refused, an answer waits for its client.
        disk: u64 as ANY_SIZE => disk_total,
    }
}
