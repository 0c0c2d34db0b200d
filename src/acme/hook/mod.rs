//! DNS-01 by a program of the operator's, which puts the record where a provider has the zone.
//!
//! It is started as `PROGRAM [ARGUMENTS …] present RECORD VALUE`, and with `cleanup` in place of `present` when the record is not
//! needed any more: as lego's provider `exec` does, whose programs can be used as they are. `RECORD` is
//! `_acme-challenge.NAME.` with a dot at its end, `VALUE` the text of its `TXT` record. The same stands in the environment, for
//! programs that like it better:
//!
//! | variable | value |
//! |---|---|
//! | `ACME_ACTION` | `present` or `cleanup` |
//! | `ACME_DOMAIN` | the name that is proven, without `*.` |
//! | `ACME_RECORD` | the record, with a dot at its end |
//! | `ACME_VALUE` | its text |
//!
//! The rest of the environment is ours, but for what belongs to our own start. It has ended with status 0 when the
//! record is there, or gone; what it wrote then is not looked at, else the end of that is told. One that takes too long is
//! killed, with all that it has started. Either may come twice: after a crash an order goes on where its process has left
//! it. `cleanup` comes for each `present`, whatever became of that.

mod output;
mod run;

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use std::{fmt, io};

use tokio::time::sleep;

/// What is known of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookConfig {
    /// The program.
    pub program: PathBuf,
    /// What stands in front of what it is told.
    pub arguments: Vec<String>,
    /// Until it has to have ended.
    pub timeout: Duration,
    /// Until the servers of the zone have what it has told them.
    pub wait: Duration,
}

/// Makes records and takes them away.
#[derive(Clone, Debug)]
pub struct Hook(HookConfig);

/// What is wanted of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The record is to be there.
    Present,
    /// It is not needed any more.
    Cleanup,
}

/// Why the program has not done what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It cannot be started.
    #[error("cannot start {}: {cause}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It says that it has not.
    #[error("{} {action}: {status}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// What was wanted.
        action: Action,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote.
        output: String,
    },
    /// It was killed.
    #[error("{} {action}: not done within {limit:?}; `timeout` says how long it may take", program.display())]
    Late {
        /// The program.
        program: PathBuf,
        /// What was wanted.
        action: Action,
        /// How long it had.
        limit: Duration,
        /// The end of what it wrote.
        output: String,
    },
}

impl Default for HookConfig {
    fn default() -> Self {
        Self {
            program: PathBuf::new(),
            arguments: Vec::new(),
            timeout: Self::TIMEOUT,
            wait: Duration::ZERO,
        }
    }
}

impl HookConfig {
    /// Unless configured: interfaces of providers take seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(120);
}

impl Hook {
    /// One that calls this program.
    pub fn new(config: HookConfig) -> Self {
        Self(config)
    }

    /// Has the record made that proves `domain`, without `*.`; `value` is its text (RFC 8555, section 8.4). Afterwards the
    /// servers of the zone have had their time.
    ///
    /// # Errors
    ///
    /// When the program fails, which is in the log with what it wrote. The record may be there all the same: `cleanup`.
    pub async fn present(&self, domain: &str, value: &str) -> Result<(), HookError> {
        self.told(Action::Present, domain, value).await?;
        sleep(self.0.wait).await;
        Ok(())
    }

    /// Has it taken away, if it is there.
    ///
    /// # Errors
    ///
    /// When the program fails, which is in the log with what it wrote.
    pub async fn cleanup(&self, domain: &str, value: &str) -> Result<(), HookError> {
        self.told(Action::Cleanup, domain, value).await
    }

    async fn told(&self, action: Action, domain: &str, value: &str) -> Result<(), HookError> {
        let outcome = run::run(&self.0, action, domain, value).await;
        if let Err(error) = &outcome {
            tracing::error!(
                domain,
                %error,
                output = error.output(),
                "the program for records of the DNS has failed"
            );
        }
        outcome
    }
}

impl HookError {
    /// The end of what the program wrote.
    pub fn output(&self) -> Option<&str> {
        match self {
            Self::Start { .. } => None,
            Self::Failed { output, .. } | Self::Late { output, .. } => Some(output),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Present => "present",
            Self::Cleanup => "cleanup",
        })
    }
}

#[cfg(test)]
mod tests;
