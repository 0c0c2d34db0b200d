//! The logs, opened again after their files were moved: for log rotation.

use std::time::Duration;

use anyhow::Result;

use super::logs::Logs;
use super::open::{ACCESS, ERROR, Log, Opener, Opening};
use crate::telemetry::config::Target;
use crate::telemetry::log::ErrorLog;
use crate::telemetry::{LogConfig, Opened};

/// Both logs; one that hangs does not hold up the other. `None`: there is no file to open.
pub(super) struct Reopening {
    access: Option<Result<Opening<Option<Opened>>>>,
    error: Option<Result<Opening<Option<Opened>>>>,
}

/// What came of it.
pub(super) struct Reopened {
    access: Result<Option<Opened>>,
    error: Result<Option<Opened>>,
}

impl Reopening {
    /// Begins it; each log may take as long as `limit`.
    pub(super) fn begin(opener: &Opener, config: &LogConfig, limit: Duration) -> Self {
        Self {
            access: open(opener, ACCESS, &config.access, limit),
            error: open(opener, ERROR, &config.error, limit),
        }
    }

    /// What was opened.
    pub(super) async fn outcome(self) -> Reopened {
        let (access, error) = tokio::join!(outcome(self.access), outcome(self.error));
        Reopened { access, error }
    }
}

impl Reopened {
    /// Goes on with the new files, as far as there are any.
    pub(super) fn apply(self, logs: &Logs, error_log: Option<&ErrorLog>) {
        let access = self.access.map(|opened| opened.map(|opened| logs.switch(opened)));
        let error = self.error.map(|opened| {
            let opened = opened.zip(error_log);
            opened.map(|(opened, log)| log.sink().switch(opened))
        });
        for (log, outcome) in [("access", access), ("error", error)] {
            match outcome {
                Ok(Some(())) => tracing::info!(log, "log opened again"),
                Ok(None) => {}
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(log, %error, "cannot open the log again; the old file stays");
                }
            }
        }
    }
}

fn open(
    opener: &Opener,
    log: Log,
    target: &Target,
    limit: Duration,
) -> Option<Result<Opening<Option<Opened>>>> {
    let target = matches!(target, Target::File(_)).then(|| target.clone())?;
    Some(opener.begin(limit, move |progress| log.open(&target, None, progress)))
}

async fn outcome(opening: Option<Result<Opening<Option<Opened>>>>) -> Result<Option<Opened>> {
    match opening {
        Some(opening) => opening?.outcome().await,
        None => Ok(None),
    }
}
