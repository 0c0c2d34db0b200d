//! What a thread that opens things is at, for the message that it takes too long.

use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::units::Period;

/// Shared by the thread and its deadline.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Progress(Arc<Mutex<Step>>);

/// One thing that is opened.
#[derive(Debug, Default)]
struct Step {
    /// "the access log"
    what: &'static str,
    /// "[log] access"
    setting: String,
    /// Mostly a path.
    name: String,
    /// What it may be waiting for.
    hint: Option<&'static str>,
}

/// Something was not open in time.
/// An error for an operator: what, where, and the setting that helps.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot open {what} within {limit}: {reason} ({setting}; [server] timeouts.open is how long it may take)"
)]
pub(super) struct Late {
    what: String,
    limit: Period,
    reason: &'static str,
    setting: String,
}

impl Progress {
    /// From now on it is at this one.
    pub(in crate::app) fn at(&self, what: &'static str, setting: impl Into<String>, name: impl Display) {
        *self.step() = Step {
            what,
            setting: setting.into(),
            name: name.to_string(),
            hint: None,
        };
    }

    /// What it may be waiting for there.
    pub(super) fn hint(&self, hint: &'static str) {
        self.step().hint = Some(hint);
    }

    /// The error that it takes longer than `limit`.
    pub(super) fn late(&self, limit: Duration) -> Late {
        let step = self.step();
        Late {
            what: step.to_string(),
            limit: Period(limit),
            reason: step.hint.unwrap_or("the system does not answer"),
            setting: step.setting.clone(),
        }
    }

    fn step(&self) -> MutexGuard<'_, Step> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.name)
    }
}
