//! `[log]`.

use std::time::Duration;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::table::table;
use crate::config::units::{Absolute, Name, Named, Text, Time};
use crate::telemetry::LogConfig;
use crate::telemetry::config::{Format, Target};

table! {
    /// Where the logs go, and what they say.
    pub(in crate::config) struct Log for LogConfig {
        /// Where the access log goes, one line a request.
        access: Target as TARGET,
        /// Form of its lines.
        access_format: Format as Name,
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

impl Named for Format {
    const KIND: &'static str = "access log format";
    const NAMES: &'static [(&'static str, Self)] = &[("combined", Self::Combined), ("json", Self::Json)];
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
