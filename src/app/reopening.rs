//! The logs, opened again after their files were moved: for log rotation.

use std::time::Duration;

use anyhow::Result;

use super::logs::Logs;
use super::open::{ACCESS, ERROR, Log, OF_ROUTE, Opener, Opening};
use super::site_logs::SiteLogs;
use crate::telemetry::config::Target;
use crate::telemetry::log::ErrorLog;
use crate::telemetry::{LogConfig, Opened};

/// All logs; one that hangs does not hold up the others. `None`: there is no file to open.
pub(super) struct Reopening {
    access: Option<OpeningLog>,
    error: Option<OpeningLog>,
    sites: Vec<(Target, Option<OpeningLog>)>,
}

/// A log that is being opened, unless that could not begin.
type OpeningLog = Result<Opening<Option<Opened>>>;

/// What came of it.
pub(super) struct Reopened {
    access: Result<Option<Opened>>,
    error: Result<Option<Opened>>,
    sites: Vec<(Target, Result<Option<Opened>>)>,
}

impl Reopening {
    /// Begins it; each log may take as long as `limit`.
    pub(super) fn begin(opener: &Opener, config: &LogConfig, sites: &SiteLogs, limit: Duration) -> Self {
        let site = |target: &Target| (target.clone(), open(opener, OF_ROUTE, target, limit));
        Self {
            sites: sites.wanted().map(site).collect(),
            access: open(opener, ACCESS, &config.access, limit),
            error: open(opener, ERROR, &config.error, limit),
        }
    }

    /// What was opened.
    pub(super) async fn outcome(self) -> Reopened {
        // All have begun: each has its own deadline already.
        let sites = async {
            let mut opened = Vec::new();
            for (target, opening) in self.sites {
                opened.push((target, outcome(opening).await));
            }
            opened
        };
        let (access, error, sites) = tokio::join!(outcome(self.access), outcome(self.error), sites);
        Reopened { access, error, sites }
    }
}

impl Reopened {
    /// Goes on with the new files, as far as there are any.
    pub(super) fn apply(self, logs: &Logs, error_log: Option<&ErrorLog>) {
        for (target, opened) in self.sites {
            let switched = opened.map(|opened| opened.map(|opened| logs.sites().switch(&target, opened)));
            tell("access", switched);
        }
        let access = self.access.map(|opened| opened.map(|opened| logs.switch(opened)));
        let error = self.error.map(|opened| {
            let opened = opened.zip(error_log);
            opened.map(|(opened, log)| log.sink().switch(opened))
        });
        tell("access", access);
        tell("error", error);
    }
}

fn tell(log: &str, outcome: Result<Option<()>>) {
    match outcome {
        Ok(Some(())) => tracing::info!(log, "log opened again"),
        Ok(None) => {}
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(log, %error, "cannot open the log again; the old file stays");
        }
    }
}

fn open(opener: &Opener, log: Log, target: &Target, limit: Duration) -> Option<OpeningLog> {
    let target = matches!(target, Target::File(_)).then(|| target.clone())?;
    Some(opener.begin(limit, move |progress| log.open(&target, None, progress)))
}

async fn outcome(opening: Option<OpeningLog>) -> Result<Option<Opened>> {
    match opening {
        Some(opening) => opening?.outcome().await,
        None => Ok(None),
    }
}
