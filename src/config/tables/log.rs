//! `[log]`.

use std::time::Duration;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::table::table;
use crate::config::units::{Absolute, Name, Named, Text, Time, log_template};
use crate::telemetry::LogConfig;
use crate::telemetry::config::{Escape, Format, Target};

table! {
    /// Where the logs go, and what they say.
    pub(in crate::config) struct Log for LogConfig {
        /// Where the access log goes, one line a request.
        access: Target as TARGET,
        /// Form of its lines: one of two that are there, or your own, a text with variables. They have nginx's names and
        /// meanings ([the list](operating.md#a-format-of-your-own)).
        access_format: Format as FORMAT,
        /// How the values in a format of your own are escaped, as nginx does it: `"default"` writes `\xHH` for what is not
        /// printable ASCII, the quote and the backslash, and a hyphen for what is not there; `"json"` writes them as in a
        /// string of JSON; `"none"` writes them as they came, line ends included.
        escape: Escape as Name,
        /// Requests that take so long, to the last byte of their answers, have a warning in the error log that says where
        /// the time went; `"0s"`: none. A route may have a `slow` of its own.
        slow: Duration as Time,
        /// Where the error log goes.
        error: Target as TARGET,
        /// Least important level that the error log shows.
        level: tracing::Level as Name,
    }
    example = r#"[log]
access = "/var/log/bridgehead/access.log"
access_format = "json"
slow = "1s"
"#;
}

/// The logs; what would never be seen is complained about.
pub(super) fn check(typed: Option<&At<Log>>, complaints: &mut Complaints) -> LogConfig {
    let mut log = LogConfig::default();
    let Some(typed) = typed else { return log };
    typed.apply_to(&mut log);
    if let Some(escape) = &typed.escape
        && **escape != Escape::default()
        && !matches!(log.access_format, Format::Template(_))
    {
        complaints
            .warning(escape.span(), "`escape` has no effect here")
            .help("\"combined\" and \"json\" have a way of their own; it is for formats with variables");
    }
    if let Some(slow) = &typed.slow
        && !slow.is_zero()
        && log.level == tracing::Level::ERROR
    {
        complaints
            .warning(
                slow.span(),
                "slow requests are never told of: the error log shows errors only",
            )
            .help("set `level` to \"warn\" or less");
    }
    log
}

const TARGET: Text<Target> = Text {
    words: "`\"stdout\"`, `\"stderr\"`, `\"off\"` or absolute path",
    read: target,
    show,
};

fn target(typed: &At<String>, complaints: &mut Complaints) -> Option<Target> {
    let target = match typed.as_str() {
        "stdout" => Target::Stdout,
        "stderr" => Target::Stderr,
        "off" => Target::Off,
        name if !name.contains('/') => {
            let complaint = complaints.error(typed.span(), format!("`{name}` is no place for a log"));
            let near = suggest::nearest(name, ["stdout", "stderr", "off"]);
            complaint.help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write \"stdout\", \"stderr\", \"off\" or an absolute path".to_owned(),
            });
            return None;
        }
        path => Target::File(Absolute("the log").check(path, typed.span(), complaints).into()),
    };
    Some(target)
}

fn show(target: &Target) -> String {
    match target {
        Target::Stdout => "stdout".to_owned(),
        Target::Stderr => "stderr".to_owned(),
        Target::Off => "off".to_owned(),
        Target::File(file) => file.to_string_lossy().into_owned(),
    }
}

const FORMAT: Text<Format> = Text {
    words: "`\"combined\"`, `\"json\"` or text with variables",
    read: format,
    show: show_format,
};

fn format(typed: &At<String>, complaints: &mut Complaints) -> Option<Format> {
    match typed.as_str() {
        "combined" => return Some(Format::Combined),
        "json" => return Some(Format::Json),
        text if text.contains(['\n', '\r']) => {
            complaints
                .error(typed.span(), "a line of the access log has a line end in it")
                .help("in a text of several lines, a backslash at the end of each of them goes on without the line end");
        }
        text if text.contains('$') => return log_template(typed, complaints).map(Format::Template),
        name => {
            let complaint = complaints.error(typed.span(), format!("unknown access log format `{name}`"));
            complaint.help(match suggest::nearest(name, ["combined", "json"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    "write \"combined\", \"json\" or a text with variables: \"$remote_addr $status $uri\""
                        .to_owned()
                }
            });
        }
    }
    None
}

fn show_format(format: &Format) -> String {
    match format {
        Format::Combined => "combined".to_owned(),
        Format::Json => "json".to_owned(),
        Format::Template(template) => template.to_string(),
    }
}

impl Named for Escape {
    const KIND: &'static str = "way to escape";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("default", Self::Default),
        ("json", Self::Json),
        ("none", Self::None),
    ];
}

impl Named for tracing::Level {
    const KIND: &'static str = "log level";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("error", Self::ERROR),
        ("warn", Self::WARN),
        ("info", Self::INFO),
        ("debug", Self::DEBUG),
        ("trace", Self::TRACE),
    ];
}
