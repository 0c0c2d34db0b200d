//! Active checks: what is asked, how often, and what the answers mean.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;

use crate::protocol::Target;

/// How the endpoints of an upstream are asked whether they live.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// What is asked.
    pub probe: Probe,
    /// Between two checks of one endpoint; no check is made while requests were answered within it.
    pub interval: Duration,
    /// Until the answer is complete.
    pub timeout: Duration,
    /// Good answers until an endpoint that is down is used again.
    pub rise: u32,
    /// Bad answers until an endpoint is used no more.
    pub fall: u32,
    /// What a taken connection without an answer means while nothing else is known.
    pub silence: Silence,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// Whether a connection can be made. Says little: a hung server has a backlog, too.
    Connect,
    /// FastCGI GET_VALUES: any record is an answer. PHP and libfcgi answer it, uWSGI never does.
    GetValues,
    /// uwsgi modifier1 100. Needs uWSGI's ping plugin, which Debian's uWSGI has in a file of its own.
    UwsgiPing,
    /// PHP-FPM's `ping.path`: it runs no script.
    FpmPing(Target),
    /// A request that the application answers.
    Request(Request),
}

/// A request that the application answers, and what is to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Ask for the head only.
    pub head_only: bool,
    /// Path and query.
    pub path: Target,
    /// `Host`: applications refuse names that they do not know.
    pub host: Bytes,
    /// `SCRIPT_FILENAME`, for applications that are files; `SCRIPT_NAME` is the path then.
    pub script: Option<String>,
    /// Statuses that mean "alive".
    pub status: Statuses,
    /// Statuses that mean "full", such as 503.
    pub busy_status: Statuses,
    /// Text that the body has to hold within its first 64 KiB.
    pub body: Option<String>,
}

/// What a taken connection without an answer means while none of our own requests tells more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Silence {
    /// It hangs.
    #[default]
    Dead,
    /// Others use the same pool, and it is full.
    Busy,
}

/// Response statuses: `200-299,304`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

/// A text that is no list of statuses; holds the part that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a response status")]
pub struct StatusError(pub String);

impl Health {
    /// Between two checks, unless configured.
    pub const INTERVAL: Duration = Duration::from_secs(5);
    /// For one check, unless configured.
    pub const TIMEOUT: Duration = Duration::from_secs(2);
    /// Good answers until an endpoint is used again, unless configured. As HAProxy's.
    pub const RISE: u32 = 2;
    /// Bad answers until an endpoint is used no more, unless configured. As HAProxy's.
    pub const FALL: u32 = 3;
}

/// A connection alone.
impl Default for Health {
    fn default() -> Self {
        Self {
            probe: Probe::Connect,
            interval: Self::INTERVAL,
            timeout: Self::TIMEOUT,
            rise: Self::RISE,
            fall: Self::FALL,
            silence: Silence::default(),
        }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self {
            head_only: false,
            path: Target::from_static("/"),
            host: Bytes::from_static(b"localhost"),
            script: None,
            status: Statuses::fine(),
            busy_status: Statuses::default(),
            body: None,
        }
    }
}

impl Probe {
    /// The word for it in the file and in logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::GetValues => "get_values",
            Self::UwsgiPing | Self::FpmPing(_) => "ping",
            Self::Request(_) => "request",
        }
    }
}

/// What is asked, for logs and explanations.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("a connection"),
            Self::GetValues => f.write_str("FastCGI GET_VALUES"),
            Self::UwsgiPing => f.write_str("uwsgi ping"),
            Self::FpmPing(path) => write!(f, "{path}, which is to be the pool's ping.path"),
            Self::Request(request) => request.fmt(f),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = if self.head_only { "HEAD" } else { "GET" };
        let host = self.host.escape_ascii();
        write!(f, "{method} {} on {host}", self.path)?;
        match &self.script {
            Some(script) => write!(f, " from {script}"),
            None => Ok(()),
        }
    }
}

impl Statuses {
    /// Anything that is not an error: what HAProxy takes for alive.
    pub fn fine() -> Self {
        Self(vec![200..=399])
    }

    /// Whether `status` is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Statuses {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        text.split(',')
            .map(|part| range(part.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

fn range(text: &str) -> Result<RangeInclusive<u16>, StatusError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let status = |text: &str| {
        text.trim()
            .parse()
            .ok()
            .filter(|status| (100..=599).contains(status))
    };
    match (status(first), status(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(StatusError(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_and_ranges() {
        let statuses: Statuses = "200-299, 304".parse().unwrap();
        assert_eq!(statuses.to_string(), "200-299,304");
        let known = [199, 200, 299, 300, 304].map(|status| statuses.contains(status));
        assert_eq!(known, [false, true, true, false, true]);
    }

    #[test]
    fn what_is_asked_has_words() {
        let request = Request {
            path: Target::from_static("/healthz?full"),
            host: "api.example".into(),
            ..Request::default()
        };
        let said = |request: &Request| Probe::Request(request.clone()).to_string();
        assert_eq!(said(&request), "GET /healthz?full on api.example");
        let script = Request {
            head_only: true,
            script: Some("/srv/health.php".to_owned()),
            ..request
        };
        assert_eq!(
            said(&script),
            "HEAD /healthz?full on api.example from /srv/health.php"
        );
        let ping = Probe::FpmPing(Target::from_static("/ping"));
        assert_eq!(ping.to_string(), "/ping, which is to be the pool's ping.path");
    }

    #[test]
    fn what_is_no_status_is_named() {
        for (text, wrong) in [
            ("200,x", "x"),
            ("", ""),
            ("20", "20"),
            ("299-200", "299-200"),
            ("200-", "200-"),
        ] {
            assert_eq!(text.parse::<Statuses>(), Err(StatusError(wrong.to_owned())));
        }
    }
}
