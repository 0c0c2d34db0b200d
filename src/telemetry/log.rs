//! The error log: `tracing` events above a level, as lines.

use std::io::{self, IsTerminal};

use tracing::{Level, Subscriber};

use super::config::Target;
use super::sink::{Guard, Sink};

/// The installed error log. To be held until the process ends: dropping it writes out what waits.
#[derive(Debug)]
pub struct ErrorLog {
    sink: Option<(Sink, Guard)>,
}

/// Why there is no error log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The target cannot be written to.
    #[error("cannot open the error log: {0}")]
    Open(#[source] io::Error),
    /// There is one already.
    #[error("an error log is installed already")]
    Installed(#[source] tracing::subscriber::SetGlobalDefaultError),
}

impl ErrorLog {
    /// Makes the target the receiver of all events of the process from `level` up.
    pub fn install(target: &Target, level: Level) -> Result<Self, LogError> {
        let sink = Sink::open(target).map_err(LogError::Open)?;
        if let Some((sink, _)) = &sink {
            let subscriber = subscriber(sink.clone(), level, is_terminal(target));
            tracing::subscriber::set_global_default(subscriber).map_err(LogError::Installed)?;
        }
        Ok(Self { sink })
    }

    /// Opens the file again: see [`Sink::reopen`].
    pub fn reopen(&self) -> io::Result<()> {
        self.sink.as_ref().map_or(Ok(()), |(sink, _)| sink.reopen())
    }

    /// Lines lost so far.
    pub fn dropped(&self) -> u64 {
        self.sink.as_ref().map_or(0, |(sink, _)| sink.dropped())
    }
}

/// Writes events from `level` up to a sink, one line each; `colour` for terminals.
pub fn subscriber(sink: Sink, level: Level, colour: bool) -> impl Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .with_writer(move || sink.clone())
        .with_max_level(level)
        .with_ansi(colour)
        .with_target(false)
        .finish()
}

fn is_terminal(target: &Target) -> bool {
    match target {
        Target::Stdout => io::stdout().is_terminal(),
        Target::Stderr => io::stderr().is_terminal(),
        Target::File(_) | Target::Off => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_from_the_level_up_become_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("error.log");
        let (sink, guard) = Sink::open(&Target::File(path.clone())).unwrap().unwrap();
        tracing::subscriber::with_default(subscriber(sink, Level::WARN, false), || {
            tracing::info!("unseen");
            tracing::warn!(endpoint = "unix:/run/x", forged = "a\x1b[31m", "upstream failed");
        });
        drop(guard);
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.contains("WARN upstream failed endpoint=\"unix:/run/x\""),
            "{text}"
        );
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn a_target_that_cannot_be_opened_is_told() {
        let target = Target::File("/nonexistent/error.log".into());
        assert!(matches!(
            ErrorLog::install(&target, Level::INFO),
            Err(LogError::Open(_))
        ));
    }
}
