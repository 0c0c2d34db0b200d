//! The explanation for people.

use std::fmt::{self, Display, Formatter};

use super::account::{Body, Destination, Explanation, Forwarded, Outcome, Refused, Script, Sent};
use super::matched::Matched;
use super::precedence::Precedence;

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("no host");
        writeln!(f, "{} {} on {}\n", self.method, shown(&self.target), shown(host))?;
        if let Some(path) = &self.path {
            line(f, "path", shown(path))?;
        }
        if let Some(route) = &self.route {
            line(f, "route", route)?;
        }
        if let Some(Precedence { why, before }) = &self.before {
            line(f, "why", format_args!("{why}, before {before}"))?;
        }
        if let Some(then) = &self.then {
            line(f, "then", then)?;
        }
        match &self.outcome {
            Outcome::Refused(refused) => line(f, "answer", refused)?,
            Outcome::Answered(answered) => {
                line(
                    f,
                    "answer",
                    format_args!("{}, by the gateway itself", answered.status),
                )?;
                list(
                    f,
                    "fields",
                    answered
                        .headers
                        .iter()
                        .map(|(name, value)| format!("{name}: {value}")),
                )?;
            }
            Outcome::Forwarded(forwarded) => forwarded.start(f)?,
        }
        let left_out = self.left_out.iter();
        list(
            f,
            "left out",
            left_out.map(|field| format!("{}: {}", field.name, field.why)),
        )?;
        if let Outcome::Forwarded(forwarded) = &self.outcome {
            forwarded.sent.fmt(f)?;
        }
        match &self.refused {
            Some(refused) => line(f, "answer", refused),
            None => Ok(()),
        }
    }
}

impl Forwarded {
    /// Everything but what is sent.
    fn start(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(script) = &self.script {
            script.fmt(f)?;
        }
        self.upstream.fmt(f)?;
        self.body.fmt(f)?;
        let client = &self.client;
        let address = client.address.as_deref().unwrap_or("unknown");
        let mut told = vec![format!("{address}, {}", client.scheme)];
        told.extend(
            client
                .forwarded_for
                .as_ref()
                .map(|chain| format!("forwarded for {chain}")),
        );
        told.extend(
            client
                .forwarded_host
                .as_ref()
                .map(|host| format!("forwarded host {host}")),
        );
        line(f, "client", shown(&told.join(", ")))
    }
}

impl Display for Matched {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("every host");
        write!(f, "{host}, path {}", shown(&self.path))?;
        if !self.when.is_empty() {
            write!(f, ", when {}", self.when.join(", "))?;
        }
        write!(f, ": {}", self.handler)?;
        let path = shown(&self.prefix);
        match (&self.root, &self.alias) {
            (Some(root), _) if path == "/" => write!(f, " below {}", shown(root)),
            (Some(root), _) => write!(f, " below {} (root: with {path})", shown(root)),
            (None, Some(alias)) => write!(f, " below {} (alias: without {path})", shown(alias)),
            (None, None) => Ok(()),
        }
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.status, self.reason, shown(&self.why))
    }
}

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.filename {
            line(f, "script", shown(file))?;
        }
        let split = format!(
            "SCRIPT_NAME {}, PATH_INFO {}",
            quoted(&self.name),
            quoted(&self.path_info)
        );
        line(f, "split", split)
    }
}

impl Display for Destination {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let workers = match (self.max_connections, &self.auto) {
            (Some(slots), _) => format!("{slots} at a time each"),
            (None, Some(auto)) => format!("as many at a time as there are workers ({auto})"),
            (None, None) => "no limit of connections".to_owned(),
        };
        let kept = match self.keep_alive {
            0 => "a connection per request".to_owned(),
            kept => format!("{kept} idle connections kept"),
        };
        line(
            f,
            "upstream",
            format_args!("{}: {}, {workers}, {kept}", self.name, self.protocol),
        )?;
        let endpoint = |endpoint: &super::account::Endpoint| {
            let weight = if endpoint.weight == 1 {
                String::new()
            } else {
                format!(" weight={}", endpoint.weight)
            };
            let backup = if endpoint.backup { " backup" } else { "" };
            let drain = if endpoint.drain { " drain" } else { "" };
            format!("{}{weight}{backup}{drain}", endpoint.address)
        };
        let title = format!("endpoints ({})", self.balance);
        list(f, &title, self.endpoints.iter().map(endpoint))?;
        match &self.choice.endpoint {
            _ if self.endpoints.len() == 1 => {}
            Some(endpoint) => line(f, "choice", format_args!("{endpoint}: {}", self.choice.why))?,
            None => line(f, "choice", self.choice.why)?,
        }
        let queue = format!("{} may wait for {}", self.queue.size, self.queue.timeout);
        line(f, "queue", queue)?;
        if let Some(health) = &self.health {
            line(f, "checks", shown(health))?;
        }
        let timeouts: Vec<_> = self
            .timeouts
            .iter()
            .map(|(what, time)| format!("{what} {time}"))
            .collect();
        line(f, "timeouts", timeouts.join(", "))
    }
}

impl Display for Body {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let held = match self.request_held {
            true => format!(
                "taken whole before a worker is ({} in memory, then up to {} on disk)",
                self.memory, self.disk
            ),
            false => "passed on as it comes".to_owned(),
        };
        line(f, "body", format_args!("at most {}, {held}", self.limit))?;
        if self.in_chunks && self.request_held {
            line(
                f,
                "",
                "in chunks: CONTENT_LENGTH is known once it is here, 0 stands for it below",
            )?;
        }
        match self.response_ahead {
            true => line(
                f,
                "response",
                format_args!(
                    "taken ahead of the client ({} in memory, then up to {} on disk)",
                    self.memory, self.disk
                ),
            ),
            false => line(f, "response", "at the pace of the client"),
        }
    }
}

impl Display for Sent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variables {
                list: all,
                size,
                limit,
            } => {
                let size = size.map_or_else(String::new, |size| format!(", {size} bytes on the wire"));
                let title = format!("variables ({}{size}; block of at most {limit} bytes)", all.len());
                list(
                    f,
                    &title,
                    all.iter().map(|(name, value)| format!("{name}={value}")),
                )
            }
            Self::Request { line: start, fields } => {
                line(f, "request", shown(start))?;
                list(
                    f,
                    "fields",
                    fields.iter().map(|(name, value)| format!("{name}: {value}")),
                )
            }
        }
    }
}

/// A title with a value behind it.
fn line(f: &mut Formatter<'_>, title: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{title:<WIDTH$}{value}")
}

/// A title with values below it, if there are any.
fn list(f: &mut Formatter<'_>, title: &str, values: impl Iterator<Item = String>) -> fmt::Result {
    let mut values = values.peekable();
    if values.peek().is_some() {
        writeln!(f, "{title}")?;
    }
    values.try_for_each(|value| writeln!(f, "  {}", shown(&value)))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}

/// Without anything that would disturb a terminal: requests and configurations may come from anywhere.
fn shown(text: &str) -> String {
    let escaped = |c: char| match c {
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Width of the column of titles.
const WIDTH: usize = 11;
