//! `[log]`.

use std::time::Duration;

use serde_json::json;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::suggest;
use crate::config::table::table;
use crate::config::units::{
    Absolute, Flag, Name, Named, Number, OneOrMore, Plain, Text, Time, Unit, log_template,
};
use crate::telemetry::config::{Escape, Format, Statuses, Target};
use crate::telemetry::{LogConfig, Syslog};

table! {
    /// Where the logs go, and what they say.
    pub(in crate::config) struct Log for LogConfig {
        /// Where the access log goes, one line a request: `"syslog:/dev/log"`, perhaps with `" facility=local0 tag=shop"`, is the
        /// system's logger.
        access: Target as TARGET,
        /// Form of its lines: one of two that are there, or your own, a text with variables. They have nginx's names and
        /// meanings ([the list](operating.md#a-format-of-your-own)).
        access_format: Format as FORMAT,
        /// How the values in a format of your own are escaped, as nginx does it: `"default"` writes `\xHH` for what is not
        /// printable ASCII, the quote and the backslash, and a hyphen for what is not there; `"json"` writes them as in a
        /// string of JSON; `"none"` writes them as they came, line ends included.
        escape: Escape as Name,
        /// Statuses whose requests have a line: `["5xx", 404]`. Default: all.
        status: Vec<Statuses> as OneOrMore(STATUSES) => selection.status,
        /// One of so many requests has a line, by chance; 1: each.
        sample: u32 as Number(1, 1_000_000) => selection.sample,
        /// Arguments of queries whose values no log shows, in targets and referers: `["token"]`. Default: none.
        redact: Vec<String> as OneOrMore(Plain) => redaction.query,
        /// Show `Cookie`, `Authorization`, `Proxy-Authorization` and `Set-Cookie` where a format has them; else they are
        /// `REDACTED`.
        credentials: bool as Flag => redaction.credentials,
        /// Requests that take so long, to the last byte of their answers, have a warning in the error log that says where
        /// the time went; `"0s"`: none. A route may have a `slow` of its own.
        slow: Duration as Time,
        /// Where the error log goes.
        error: Target as TARGET,
        /// Least important level that the error log shows.
        level: tracing::Level as Name,
    }
    shown = shown;
    example = r#"[log]
access = "/var/log/bridgehead/access.log"
access_format = "json"
slow = "1s"
"#;
}

/// The logs as they would be typed.
pub(super) fn shown(log: &LogConfig) -> Log {
    let mut shown = Log::plain(log);
    shown.status = shown.status.filter(|statuses| !statuses.is_empty());
    shown.redact = shown.redact.filter(|names| !names.is_empty());
    shown
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

pub(super) const TARGET: Text<Target> = Text {
    words: "`\"stdout\"`, `\"stderr\"`, `\"off\"`, absolute path or `\"syslog:SOCKET\"`",
    read: target,
    show,
};

fn target(typed: &At<String>, complaints: &mut Complaints) -> Option<Target> {
    let target = match typed.as_str() {
        "stdout" => Target::Stdout,
        "stderr" => Target::Stderr,
        "off" => Target::Off,
        text if text.starts_with(SYSLOG) => return syslog(typed, complaints).map(Target::Syslog),
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
        Target::Syslog(to) => {
            let facility = FACILITIES.iter().find(|(_, number)| *number == to.facility);
            let facility = facility.map_or("local7", |(name, _)| *name);
            format!(
                "{SYSLOG}{} facility={facility} tag={}",
                to.socket.display(),
                to.tag
            )
        }
    }
}

const SYSLOG: &str = "syslog:";

/// RFC 3164, section 4.1.1: those that programs use.
const FACILITIES: [(&str, u8); 11] = [
    ("user", 1),
    ("daemon", 3),
    ("auth", 4),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// `syslog:/dev/log facility=local0 tag=shop`
fn syslog(typed: &At<String>, complaints: &mut Complaints) -> Option<Syslog> {
    let mut words = typed.strip_prefix(SYSLOG)?.split_ascii_whitespace();
    let socket = words.next().unwrap_or_default();
    let mut syslog = Syslog {
        socket: Absolute("the socket of the logger")
            .check(socket, typed.span(), complaints)
            .into(),
        facility: 23,
        tag: "bridgehead".to_owned(),
    };
    for option in words {
        match option.split_once('=') {
            Some(("facility", name)) => {
                let found = FACILITIES.iter().find(|(own, _)| *own == name);
                let Some((_, number)) = found else {
                    let known = suggest::list(FACILITIES.iter().map(|(name, _)| *name));
                    complaints
                        .error(typed.span(), format!("unknown facility `{name}`"))
                        .help(format!("there are {known}"));
                    return None;
                };
                syslog.facility = *number;
            }
            // RFC 3164, section 4.1.3.
            Some(("tag", tag)) if (1..=32).contains(&tag.len()) && tag.bytes().all(is_of_tag) => {
                tag.clone_into(&mut syslog.tag);
            }
            _ => {
                complaints
                    .error(typed.span(), format!("unknown option `{option}`"))
                    .help("write `facility=local0`, or `tag=shop` with letters, digits, `-` and `_`, at most 32");
                return None;
            }
        }
    }
    Some(syslog)
}

fn is_of_tag(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// `404`, or `"5xx"`.
pub(super) struct StatusesUnit;

/// Statuses.
pub(super) const STATUSES: StatusesUnit = StatusesUnit;

impl Unit<Statuses> for StatusesUnit {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Statuses> {
        let statuses = match &node.value {
            Value::Integer(one) => u16::try_from(*one).ok().map(|one| (one, one)),
            Value::Text(class) => match class.as_bytes() {
                [class @ b'1'..=b'5', b'x', b'x'] => {
                    let first = u16::from(class - b'0') * 100;
                    Some((first, first + 99))
                }
                _ => None,
            },
            _ => None,
        };
        match statuses.filter(|(first, _)| (100..600).contains(first)) {
            Some((first, last)) => Some(Statuses { first, last }),
            None => {
                node.refuse("a status, or a class of them such as `\"5xx\"`", complaints);
                None
            }
        }
    }

    fn show(&self, statuses: &Statuses) -> Shown {
        match statuses.first == statuses.last {
            true => Shown::plain(statuses.first),
            false => Shown::text(&format!("{}xx", statuses.first / 100)),
        }
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "status, or `\"5xx\"`".to_owned(),
            schema: json!({ "type": ["integer", "string"] }),
        }
    }
}

pub(super) const FORMAT: Text<Format> = Text {
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
