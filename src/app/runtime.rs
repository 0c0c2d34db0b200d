//! The runtime that a gateway lives in.

use std::time::Duration;

use anyhow::Result;
use tokio::runtime::{Builder, Runtime};

use super::threads;

/// Threads that wait for the disk, and a few of them for names, at most: as many as nginx's pool has. More of them make
/// no disk faster, and each has a stack, and keeps freed memory for itself.
const BLOCKING: usize = 32;

/// How long such a thread waits for more to do before it ends, and gives its memory back.
const BLOCKING_IDLE: Duration = Duration::from_secs(5);

/// A runtime with so many `workers`.
///
/// # Errors
///
/// When its threads, or those that open files and write logs beside it, cannot be started.
pub fn runtime(workers: usize) -> Result<Runtime> {
    threads::try_out("the worker threads", workers.saturating_add(BESIDE))?;
    let built = Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(BLOCKING_IDLE)
        .enable_all()
        .build();
    built.map_err(|error| threads::failed("the runtime", error))
}

/// Threads beside the runtime: one opens files, two write logs.
const BESIDE: usize = 3;
