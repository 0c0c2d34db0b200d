//! Byte buffers that start in memory and continue in an anonymous file.
//!
//! A [`Writer`] takes chunks. The first [`Limits::memory`] bytes stay in memory as they came; what follows goes
//! to a file without a name in [`SpoolConfig::temp_dir`], in pieces of [`PIECE`] bytes on the blocking pool, so that
//! a slow disk never holds a runtime thread. [`Writer::finish`] turns it into a [`Spool`], which can be read
//! any number of times. A spool that fits into memory touches no disk and starts no task.
//!
//! A body that is read while it is still being written goes through a [`live`] spool instead: the relay of a running
//! answer.
//!
//! All spools of a process share one [`Quota`] of bytes on disk and another of bytes in memory; each gives its share back
//! when it is dropped. When the memory is used up, a spool is left with the chunk that it is given, and goes to disk with
//! all others. What holds a body outside of a spool takes a [`Share`], too.

mod disk;
mod error;
pub mod live;
mod quota;
mod segments;
mod spooled;
mod writer;

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use error::SpoolError;
pub use quota::{Quota, Share};
pub use spooled::Spool;
pub use writer::Writer;

use crate::telemetry::Reminder;

/// Bytes that travel to or from the disk in one hop to the blocking pool: a hop costs about as much as copying
/// this many bytes does. A spool holds at most twice this in memory beyond [`Limits::memory`] and the chunk that
/// it is being given.
pub const PIECE: usize = 128 * 1024;

/// The same when memory is used up: thousands of uploads that are left with less than a piece each are to be little.
const LEAST_PIECE: usize = 4 * 1024;

/// Where spools go to, and how much of the disk they may take together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Directory of the files. They have no names and vanish with the process.
    pub temp_dir: PathBuf,
    /// Bytes that all spools may have on disk at a time.
    pub disk_total: u64,
    /// Bytes that all spools, and the streams of HTTP/2, may hold in memory at a time, before each is left with one chunk.
    pub memory_total: u64,
}

impl SpoolConfig {
    /// Bytes of all spools on disk unless configured.
    pub const DISK_TOTAL: u64 = 8 * 1024 * 1024 * 1024;
    /// Bytes of all spools in memory unless configured.
    pub const MEMORY_TOTAL: u64 = 256 * 1024 * 1024;

    /// Whether there can be files in the directory. Waits for the disk.
    pub fn probe(&self) -> io::Result<()> {
        // The error of a missing one names no file that was to be made.
        self.temp_dir.metadata()?;
        tempfile::tempfile_in(&self.temp_dir).map(drop)
    }
}

/// What one spool may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes held in memory.
    pub memory: usize,
    /// Bytes on disk; 0: never touch the disk.
    pub disk: u64,
}

/// Makes writers. Cheap to clone; clones share the quota.
#[derive(Clone, Debug)]
pub struct Spools {
    shared: Arc<Shared>,
}

/// What all spools of a process share.
#[derive(Debug)]
struct Shared {
    temp_dir: PathBuf,
    /// Of bytes on disk.
    quota: Quota,
    /// Of bytes in memory.
    memory: Quota,
    /// The disk fails live spools.
    complained: Reminder,
    /// Opens the anonymous file; replaced by tests that need a full disk.
    open: fn(&Path) -> io::Result<File>,
}

impl Spools {
    /// Checks nothing: a missing directory is reported by the first spool that needs it.
    pub fn new(config: SpoolConfig) -> Self {
        Self::with_open(config, |dir| tempfile::tempfile_in(dir))
    }

    fn with_open(config: SpoolConfig, open: fn(&Path) -> io::Result<File>) -> Self {
        Self {
            shared: Arc::new(Shared {
                temp_dir: config.temp_dir,
                quota: Quota::new(config.disk_total),
                memory: Quota::new(config.memory_total),
                complained: Reminder::every(COMPLAINTS),
                open,
            }),
        }
    }

    /// An empty spool to write to.
    pub fn writer(&self, limits: Limits) -> Writer {
        Writer::new(Arc::clone(&self.shared), limits)
    }

    /// A share of the memory, for what is held outside of a spool.
    pub fn share(&self) -> Share {
        self.shared.memory.share()
    }

    /// Other totals from now on. The directory stays.
    pub fn limit(&self, config: &SpoolConfig) {
        self.shared.quota.limit(config.disk_total);
        self.shared.memory.limit(config.memory_total);
    }

    /// Bytes that all spools have on disk now.
    pub fn bytes_on_disk(&self) -> u64 {
        self.shared.quota.used()
    }

    /// Bytes that are held in memory now.
    pub fn bytes_in_memory(&self) -> u64 {
        self.shared.memory.used()
    }
}

impl Shared {
    /// Says that the disk takes no bytes of live spools, once a while: nothing is lost, but workers wait for clients.
    fn complain(&self, error: &dyn Display) {
        if self.complained.happened(1, Instant::now()).is_some() {
            tracing::warn!(temp_dir = %self.temp_dir.display(), %error, "answers cannot be buffered on disk; slow clients hold their workers");
        }
    }
}

/// Shortest time between two complaints about the disk.
const COMPLAINTS: Duration = Duration::from_secs(60);

impl Default for SpoolConfig {
    fn default() -> Self {
        Self {
            temp_dir: std::env::temp_dir(),
            disk_total: Self::DISK_TOTAL,
            memory_total: Self::MEMORY_TOTAL,
        }
    }
}

#[cfg(test)]
mod tests;
