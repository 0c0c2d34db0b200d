//! What is logged, and where to.

use std::path::PathBuf;
use std::time::Duration;

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
    /// Nowhere.
    Off,
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
            slow: Duration::ZERO,
            error: Target::Stderr,
            level: tracing::Level::INFO,
        }
    }
}
