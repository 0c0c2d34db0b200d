//! Connections that cannot be accepted, since the process or the machine has run out of something.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::{Counters, Reminder};
use crate::transport::Address;

/// Counts them, and tells of them once a second, whatever the number of listeners.
#[derive(Debug)]
pub(super) struct AcceptFailures {
    told: Reminder,
    counters: Arc<Counters>,
}

impl AcceptFailures {
    /// None so far.
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self {
            told: Reminder::every(PERIOD),
            counters,
        }
    }

    /// An accept on a listener failed.
    pub(super) fn happened(&self, error: &io::Error, listener: &Address) {
        self.counters.accept_failures.add(1);
        let Some(times) = self.told.happened(1, Instant::now().into_std()) else {
            return;
        };
        let remedy = remedy(error);
        tracing::error!(%listener, times, %error, remedy, "cannot accept");
    }
}

/// What helps, as far as the system's word tells (accept(2)).
fn remedy(error: &io::Error) -> Option<&'static str> {
    match error.raw_os_error()? {
        EMFILE => Some("raise LimitNOFILE= of the unit or `ulimit -n`, or lower [server] max_connections"),
        ENFILE => Some("raise the machine's limit, fs.file-max"),
        _ => None,
    }
}

/// Shortest time between two lines.
const PERIOD: Duration = Duration::from_secs(1);

/// The process has as many descriptors as it may.
const EMFILE: i32 = 24;

/// The machine has.
const ENFILE: i32 = 23;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_reached_is_named_with_what_raises_it() {
        let remedy = |code| remedy(&io::Error::from_raw_os_error(code));
        let word = |code| io::Error::from_raw_os_error(code).to_string();
        assert!(word(EMFILE).starts_with("Too many open files ("));
        assert!(word(ENFILE).starts_with("Too many open files in system"));
        assert!(remedy(EMFILE).is_some_and(|remedy| remedy.contains("LimitNOFILE")));
        assert!(remedy(ENFILE).is_some_and(|remedy| remedy.contains("fs.file-max")));
        assert_eq!(remedy(12), None);
    }

    #[tokio::test(start_paused = true)]
    async fn all_failures_are_counted() {
        let counters = Arc::new(Counters::default());
        let failures = AcceptFailures::new(counters.clone());
        let (error, listener) = (
            io::Error::from_raw_os_error(EMFILE),
            "127.0.0.1:80".parse().unwrap(),
        );
        for _ in 0..10 {
            failures.happened(&error, &listener);
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(counters.accept_failures.value(), 10);
        assert_eq!(
            failures.told.happened(1, Instant::now().into_std()),
            Some(10),
            "one was told"
        );
    }
}
