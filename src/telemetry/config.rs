//! What is logged, and where to.

use std::path::PathBuf;
use std::time::Duration;

use super::redaction::Redaction;
use super::syslog::Syslog;
use super::variable::LogVariable;
use crate::variables::Template;

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, appended to, opened again on SIGUSR1.
    File(PathBuf),
    /// The system's logger.
    Syslog(Syslog),
    /// Nowhere.
    Off,
}

/// Which requests have a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Those that ended with one of these statuses; none: all.
    pub status: Vec<Statuses>,
    /// One of so many of those; 1: each.
    pub sample: u32,
}

/// Statuses from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// The first one.
    pub first: u16,
    /// The last one.
    pub last: u16,
}

/// All.
impl Default for Selection {
    fn default() -> Self {
        Self {
            status: Vec::new(),
            sample: 1,
        }
    }
}

impl Selection {
    /// Whether a request has a line; `id` is a number of chance.
    pub fn takes(&self, status: u16, id: u64) -> bool {
        let has = |statuses: &Statuses| (statuses.first..=statuses.last).contains(&status);
        let sample = u64::from(self.sample.max(1));
        (self.status.is_empty() || self.status.iter().any(has)) && id.is_multiple_of(sample)
    }
}

/// What a route says of its access log; `None`: as `[log]` does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteLog {
    /// See [`LogConfig::access`].
    pub access: Option<Target>,
    /// See [`LogConfig::access_format`].
    pub access_format: Option<Format>,
    /// See [`LogConfig::escape`].
    pub escape: Option<Escape>,
    /// See [`Selection::status`].
    pub status: Option<Vec<Statuses>>,
    /// See [`Selection::sample`].
    pub sample: Option<u32>,
}

impl RouteLog {
    /// What holds for the route, whatever else `[log]` says.
    pub fn over(&self, log: &LogConfig) -> LogConfig {
        let own = self.clone();
        LogConfig {
            access: own.access.unwrap_or_else(|| log.access.clone()),
            access_format: own.access_format.unwrap_or_else(|| log.access_format.clone()),
            escape: own.escape.unwrap_or(log.escape),
            selection: Selection {
                status: own.status.unwrap_or_else(|| log.selection.status.clone()),
                sample: own.sample.unwrap_or(log.selection.sample),
            },
            ..log.clone()
        }
    }
}

/// How an access log line looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Apache's combined format, followed by what a gateway has to tell.
    #[default]
    Combined,
    /// One JSON object a line.
    Json,
    /// The operator's own.
    Template(Template<LogVariable>),
}

/// How the values in a line of the operator's own form are escaped, as nginx does it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// `\xHH` for what is not printable ASCII, the quote and the backslash; a hyphen for what is not there.
    #[default]
    Default,
    /// As in a string of JSON.
    Json,
    /// Not at all.
    None,
}

/// The `[log]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// One line a request.
    pub access: Target,
    /// Shape of those lines.
    pub access_format: Format,
    /// How values in them are escaped, if their form is a template.
    pub escape: Escape,
    /// Which requests have one.
    pub selection: Selection,
    /// What no log shows.
    pub redaction: Redaction,
    /// Requests that take so long have a line in the error log, unless their routes say otherwise; zero: none.
    pub slow: Duration,
    /// Everything else.
    pub error: Target,
    /// Lowest level that goes to `error`.
    pub level: tracing::Level,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            access: Target::Stdout,
            access_format: Format::Combined,
            escape: Escape::Default,
            selection: Selection::default(),
            redaction: Redaction::default(),
            slow: Duration::ZERO,
            error: Target::Stderr,
            level: tracing::Level::INFO,
        }
    }
}
