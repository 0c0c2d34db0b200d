//! One request as one line of the access log.
//!
//! Whatever a client sends, a line stays a line, and a terminal that shows it stays as it is: control characters
//! and, in the combined format, every byte above 0x7E are escaped.

use std::fmt::Display;
use std::io::Write;
use std::net::IpAddr;
use std::time::SystemTime;

use super::clock::Clock;
use super::config::Format;

/// What happened to one request. Everything is borrowed: a line is written once, at the end.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// When the request ended.
    pub time: SystemTime,
    /// The client; `None` on unix sockets.
    pub remote: Option<IpAddr>,
    /// Method.
    pub method: &'a str,
    /// Target as received.
    pub target: &'a [u8],
    /// `HTTP/1.1`
    pub version: &'a str,
    /// Status, also those that only logs know (499).
    pub status: u16,
    /// Body bytes from the client.
    pub request_bytes: u64,
    /// Body bytes to the client.
    pub response_bytes: u64,
    /// `Referer` field.
    pub referer: Option<&'a [u8]>,
    /// `User-Agent` field.
    pub user_agent: Option<&'a [u8]>,
    /// Names the request in every log.
    pub id: u64,
    /// How long it took.
    pub phases: Phases,
    /// Who was asked.
    pub upstream: Option<Upstream<'a>>,
    /// Why the gateway answered itself.
    pub reason: Option<&'a str>,
}

/// Microseconds; `None`: did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// From the first byte of the request to the last of the response.
    pub total: u64,
    /// Until the request body was complete.
    pub body: Option<u64>,
    /// In the queue for a slot.
    pub queue: Option<u64>,
    /// Until the connection stood.
    pub connect: Option<u64>,
    /// Until the response head was complete.
    pub head: Option<u64>,
}

/// The upstream's part.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a> {
    /// Name in the configuration.
    pub name: &'a str,
    /// The last endpoint tried; empty when none was.
    pub endpoint: &'a str,
    /// How many endpoints were tried.
    pub attempts: u32,
    /// Status of its response head, if there was one.
    pub status: Option<u16>,
}

impl Entry<'_> {
    /// Appends the line, line feed included. Allocates nothing but what `out` grows by.
    pub fn append(&self, format: Format, clock: &Clock, out: &mut Vec<u8>) {
        match format {
            Format::Combined => self.combined(clock, out),
            Format::Json => self.json(clock, out),
        }
        out.push(b'\n');
    }

    /// Apache's combined format, then what a gateway has to tell, in seconds as nginx does.
    fn combined(&self, clock: &Clock, out: &mut Vec<u8>) {
        match self.remote {
            Some(remote) => put(out, remote),
            None => out.extend_from_slice(b"unix:"),
        }
        put(out, format_args!(" - - [{}] \"", clock.stamp(self.time).combined));
        escape(self.method.as_bytes(), out);
        out.push(b' ');
        escape(self.target, out);
        put(
            out,
            format_args!(" {}\" {} {} ", self.version, self.status, self.response_bytes),
        );
        quoted(self.referer, out);
        out.push(b' ');
        quoted(self.user_agent, out);
        let phases = &self.phases;
        seconds(" rt=", Some(phases.total), out);
        seconds(" bt=", phases.body, out);
        seconds(" qt=", phases.queue, out);
        seconds(" uct=", phases.connect, out);
        seconds(" uht=", phases.head, out);
        self.combined_upstream(out);
        put(
            out,
            format_args!(" reason={} id={:016x}", self.reason.unwrap_or("-"), self.id),
        );
    }

    fn combined_upstream(&self, out: &mut Vec<u8>) {
        let Some(upstream) = &self.upstream else {
            return out.extend_from_slice(b" up=\"-\" us=- try=0");
        };
        out.extend_from_slice(b" up=\"");
        escape(upstream.name.as_bytes(), out);
        out.push(b' ');
        escape(upstream.endpoint.as_bytes(), out);
        out.extend_from_slice(b"\" us=");
        match upstream.status {
            Some(status) => put(out, status),
            None => out.push(b'-'),
        }
        put(out, format_args!(" try={}", upstream.attempts));
    }

    /// One object; what did not happen has no member.
    fn json(&self, clock: &Clock, out: &mut Vec<u8>) {
        let since = self
            .time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let stamp = clock.stamp(self.time);
        put(
            out,
            format_args!("{{\"time\":\"{}.{:03}Z\"", stamp.utc, since.subsec_millis()),
        );
        if let Some(remote) = self.remote {
            put(out, format_args!(",\"remote\":\"{remote}\""));
        }
        string("method", self.method.as_bytes(), out);
        string("target", self.target, out);
        string("version", self.version.as_bytes(), out);
        number("status", Some(self.status.into()), out);
        number("request_bytes", Some(self.request_bytes), out);
        number("response_bytes", Some(self.response_bytes), out);
        self.referer.inspect(|referer| string("referer", referer, out));
        self.user_agent.inspect(|agent| string("user_agent", agent, out));
        put(out, format_args!(",\"id\":\"{:016x}\"", self.id));
        number("total_us", Some(self.phases.total), out);
        number("body_us", self.phases.body, out);
        number("queue_us", self.phases.queue, out);
        number("connect_us", self.phases.connect, out);
        number("head_us", self.phases.head, out);
        if let Some(upstream) = &self.upstream {
            string("upstream", upstream.name.as_bytes(), out);
            string("endpoint", upstream.endpoint.as_bytes(), out);
            number("attempts", Some(upstream.attempts.into()), out);
            number("upstream_status", upstream.status.map(u64::from), out);
        }
        self.reason
            .inspect(|reason| string("reason", reason.as_bytes(), out));
        out.push(b'}');
    }
}

fn put(out: &mut Vec<u8>, value: impl Display) {
    write!(out, "{value}").expect("a Vec takes everything");
}

fn seconds(name: &str, micros: Option<u64>, out: &mut Vec<u8>) {
    match micros {
        Some(micros) => put(
            out,
            format_args!("{name}{}.{:06}", micros / 1_000_000, micros % 1_000_000),
        ),
        None => put(out, format_args!("{name}-")),
    }
}

fn quoted(value: Option<&[u8]>, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(value.unwrap_or(b"-"), out);
    out.push(b'"');
}

/// As nginx: `\xHH` for what is not printable ASCII, the quote and the backslash.
fn escape(value: &[u8], out: &mut Vec<u8>) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    let mut rest = value;
    while let Some(odd) = rest.iter().position(|byte| !plain(byte)) {
        let (before, from) = rest.split_at(odd);
        out.extend_from_slice(before);
        put(out, format_args!("\\x{:02X}", from[0]));
        rest = &from[1..];
    }
    out.extend_from_slice(rest);
}

fn number(name: &str, value: Option<u64>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        put(out, format_args!(",\"{name}\":{value}"));
    }
}

/// RFC 8259, section 7; bytes that are no UTF-8 become U+FFFD.
fn string(name: &str, value: &[u8], out: &mut Vec<u8>) {
    put(out, format_args!(",\"{name}\":\""));
    for chunk in value.utf8_chunks() {
        chunk.valid().chars().for_each(|c| character(c, out));
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.push(b'"');
}

fn character(c: char, out: &mut Vec<u8>) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        // Also U+0080 to U+009F: terminals act on them.
        c if c.is_control() => put(out, format_args!("\\u{:04x}", u32::from(c))),
        c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn entry() -> Entry<'static> {
        Entry {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(971_211_336_042),
            remote: Some([192, 0, 2, 7].into()),
            method: "GET",
            target: b"/a.php?x=1",
            version: "HTTP/1.1",
            status: 503,
            request_bytes: 5,
            response_bytes: 17,
            referer: None,
            user_agent: Some(b"curl/8"),
            id: 0xfeed,
            phases: Phases {
                total: 30_001_000,
                queue: Some(30_000_000),
                ..Phases::default()
            },
            upstream: Some(Upstream {
                name: "php",
                endpoint: "unix:/run/fpm.sock",
                attempts: 2,
                status: None,
            }),
            reason: Some("queue_timeout"),
        }
    }

    fn line(entry: &Entry<'_>, format: Format) -> String {
        let mut out = Vec::new();
        entry.append(format, &Clock::new(TimeZone::UTC), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn combined_is_apaches_format_and_a_tail() {
        assert_eq!(
            line(&entry(), Format::Combined),
            "192.0.2.7 - - [10/Oct/2000:20:55:36 +0000] \"GET /a.php?x=1 HTTP/1.1\" 503 17 \"-\" \"curl/8\" \
             rt=30.001000 bt=- qt=30.000000 uct=- uht=- up=\"php unix:/run/fpm.sock\" us=- try=2 \
             reason=queue_timeout id=000000000000feed\n"
        );
        let local = Entry {
            remote: None,
            status: 200,
            upstream: None,
            reason: None,
            ..entry()
        };
        assert_eq!(
            line(&local, Format::Combined),
            "unix: - - [10/Oct/2000:20:55:36 +0000] \"GET /a.php?x=1 HTTP/1.1\" 200 17 \"-\" \"curl/8\" \
             rt=30.001000 bt=- qt=30.000000 uct=- uht=- up=\"-\" us=- try=0 reason=- id=000000000000feed\n"
        );
    }

    #[test]
    fn json_has_a_member_for_what_happened() {
        let parsed: Value = serde_json::from_str(&line(&entry(), Format::Json)).unwrap();
        assert_eq!(
            parsed,
            json!({
                "time": "2000-10-10T20:55:36.042Z",
                "remote": "192.0.2.7",
                "method": "GET",
                "target": "/a.php?x=1",
                "version": "HTTP/1.1",
                "status": 503,
                "request_bytes": 5,
                "response_bytes": 17,
                "user_agent": "curl/8",
                "id": "000000000000feed",
                "total_us": 30_001_000,
                "queue_us": 30_000_000,
                "upstream": "php",
                "endpoint": "unix:/run/fpm.sock",
                "attempts": 2,
                "reason": "queue_timeout",
            })
        );
    }

    #[test]
    fn nothing_a_client_sends_leaves_its_quotes() {
        let hostile = Entry {
            user_agent: Some(b"\" 200 0 \"forged\"\r\n\x1b[2J\\ \xc3\xbc \xff\xc2\x9b"),
            ..entry()
        };
        let combined = line(&hostile, Format::Combined);
        let expected = r#""\x22 200 0 \x22forged\x22\x0D\x0A\x1B[2J\x5C \xC3\xBC \xFF\xC2\x9B" rt="#;
        assert!(combined.contains(expected), "{combined}");
        let json = line(&hostile, Format::Json);
        assert!(
            json.contains(r#""\" 200 0 \"forged\"\u000d\u000a\u001b[2J\\ ü �\u009b""#),
            "{json}"
        );
    }

    proptest! {
        #[test]
        fn every_line_is_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let entry = Entry { target: &bytes, referer: Some(&bytes), user_agent: Some(&bytes), ..entry() };
            let combined = line(&entry, Format::Combined);
            let printable = combined.trim_end_matches('\n').bytes().all(|byte| matches!(byte, b' '..=b'~'));
            prop_assert!(printable && combined.lines().count() == 1);
            prop_assert_eq!(combined.matches('"').count(), 8);
            let json = line(&entry, Format::Json);
            prop_assert!(!json.trim_end_matches('\n').chars().any(char::is_control));
            let parsed: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(parsed["target"].as_str().unwrap(), &*String::from_utf8_lossy(&bytes));
        }
    }
}
