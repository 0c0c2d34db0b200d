//! Words between a test and its applications.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};

/// Words that one thread says and another one waits for.
#[derive(Default)]
pub(crate) struct Marks {
    set: Mutex<HashSet<String>>,
    changed: Condvar,
}

impl Marks {
    pub(crate) fn set(&self, mark: &str) {
        self.lock().insert(mark.to_owned());
        self.changed.notify_all();
    }

    /// Whether the mark is set before `patience` ends.
    pub(crate) fn is_set(&self, mark: &str, patience: Duration) -> bool {
        let wait = self
            .changed
            .wait_timeout_while(self.lock(), patience, |set| !set.contains(mark));
        wait.unwrap_or_else(PoisonError::into_inner).0.contains(mark)
    }

    /// Waits until the mark is set.
    pub(crate) fn wait(&self, mark: &str) -> Result<()> {
        ensure!(
            self.is_set(mark, Duration::from_secs(30)),
            "{mark} was never said"
        );
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
