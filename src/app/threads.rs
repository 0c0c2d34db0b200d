//! Threads that the system may refuse to start.

use std::io;
use std::sync::mpsc;
use std::thread;

use anyhow::{Error, Result};

/// The thread limit is reached: of the user, of the service, of the container.
/// An error for an operator: what cannot be started, and what raises the limit.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot start {what}: {cause}: the limit of threads is reached; raise TasksMax= and LimitNPROC= of the unit, `ulimit -u`, \
     or pids.max of the container, or lower [server] workers"
)]
struct OutOfThreads {
    what: &'static str,
    cause: io::Error,
}

/// The error that `what` cannot be started.
pub(super) fn failed(what: &'static str, cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::WouldBlock => OutOfThreads { what, cause }.into(),
        _ => Error::new(cause).context(format!("cannot start {what}")),
    }
}

/// Starts and ends as many threads as are going to be needed at once: the runtime panics where it gets none.
pub(super) fn try_out(what: &'static str, count: usize) -> Result<()> {
    let mut waiting = Vec::new();
    for _ in 0..count {
        let (end, ended) = mpsc::channel::<()>();
        // Ends when the sender is dropped.
        let thread = thread::Builder::new().spawn(move || ended.recv().is_err());
        waiting.push((end, thread.map_err(|error| failed(what, error))?));
    }
    let (ends, threads): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
    drop(ends);
    for thread in threads {
        // What ends on its own does not panic.
        let _ = thread.join();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_threads_is_said_to_be_that() {
        let error = failed("the workers", io::Error::from_raw_os_error(11)).to_string();
        let told = "cannot start the workers: Resource temporarily unavailable (os error 11): the limit of threads is reached; \
                    raise TasksMax=";
        assert!(error.starts_with(told), "{error}");
        let error = format!("{:#}", failed("the workers", io::ErrorKind::OutOfMemory.into()));
        assert_eq!(error, "cannot start the workers: out of memory");
    }

    #[test]
    fn threads_that_can_be_started_are_ended() {
        try_out("the workers", 3).unwrap();
    }
}
