//! One request as one line of the access log.
//!
//! Whatever a client sends, a line stays a line, and a terminal that shows it stays as it is: control characters
//! and, in the combined format, every byte above 0x7E are escaped.

use std::time::Instant;

use super::clock::Stamp;
use super::config::Format;
use super::{escape, number};

/// What happened to one request. Everything is borrowed: a line is written once, at the end.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// When the request ended: just now.
    pub ended: Instant,
    /// The client's address; `None` on unix sockets.
    pub remote: Option<&'a str>,
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
    pub fn append(&self, format: Format, stamp: &Stamp, out: &mut Vec<u8>) {
        match format {
            Format::Combined => self.combined(stamp, out),
            Format::Json => self.json(stamp, out),
        }
    }

    /// Apache's combined format, then what a gateway has to tell, in seconds as nginx does.
    fn combined(&self, stamp: &Stamp, out: &mut Vec<u8>) {
        out.extend_from_slice(self.remote.unwrap_or("unix:").as_bytes());
        out.extend_from_slice(b" - - [");
        out.extend_from_slice(stamp.combined.as_bytes());
        out.extend_from_slice(b"] \"");
        escape::combined(self.method.as_bytes(), out);
        out.push(b' ');
        escape::combined(self.target, out);
        out.push(b' ');
        out.extend_from_slice(self.version.as_bytes());
        out.extend_from_slice(b"\" ");
        number::decimal(self.status.into(), out);
        out.push(b' ');
        number::decimal(self.response_bytes, out);
        out.extend_from_slice(b" \"");
        escape::combined(self.referer.unwrap_or(b"-"), out);
        out.extend_from_slice(b"\" \"");
        escape::combined(self.user_agent.unwrap_or(b"-"), out);
        self.combined_phases(out);
        self.combined_upstream(out);
        out.extend_from_slice(b" reason=");
        out.extend_from_slice(self.reason.unwrap_or("-").as_bytes());
        out.extend_from_slice(b" id=");
        out.extend_from_slice(&number::hex(self.id));
        out.push(b'\n');
    }

    fn combined_phases(&self, out: &mut Vec<u8>) {
        let phases = &self.phases;
        seconds(b"\" rt=", Some(phases.total), out);
        seconds(b" bt=", phases.body, out);
        seconds(b" qt=", phases.queue, out);
        seconds(b" uct=", phases.connect, out);
        seconds(b" uht=", phases.head, out);
    }

    fn combined_upstream(&self, out: &mut Vec<u8>) {
        let Some(upstream) = &self.upstream else {
            return out.extend_from_slice(b" up=\"-\" us=- try=0");
        };
        out.extend_from_slice(b" up=\"");
        escape::combined(upstream.name.as_bytes(), out);
        out.push(b' ');
        escape::combined(upstream.endpoint.as_bytes(), out);
        out.extend_from_slice(b"\" us=");
        match upstream.status {
            Some(status) => number::decimal(status.into(), out),
            None => out.push(b'-'),
        }
        out.extend_from_slice(b" try=");
        number::decimal(upstream.attempts.into(), out);
    }

    /// One object; what did not happen has no member.
    fn json(&self, stamp: &Stamp, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"time\":\"");
        out.extend_from_slice(stamp.utc.as_bytes());
        let [a, b, c] = number::three(stamp.millis(self.ended).into());
        out.extend_from_slice(&[b'.', a, b, c, b'Z', b'"']);
        word(b",\"remote\":\"", self.remote, out);
        text(b",\"method\":\"", Some(self.method.as_bytes()), out);
        text(b",\"target\":\"", Some(self.target), out);
        word(b",\"version\":\"", Some(self.version), out);
        count(b",\"status\":", Some(self.status.into()), out);
        count(b",\"request_bytes\":", Some(self.request_bytes), out);
        count(b",\"response_bytes\":", Some(self.response_bytes), out);
        text(b",\"referer\":\"", self.referer, out);
        text(b",\"user_agent\":\"", self.user_agent, out);
        out.extend_from_slice(b",\"id\":\"");
        out.extend_from_slice(&number::hex(self.id));
        out.push(b'"');
        self.json_phases(out);
        self.json_upstream(out);
        word(b",\"reason\":\"", self.reason, out);
        out.extend_from_slice(b"}\n");
    }

    fn json_phases(&self, out: &mut Vec<u8>) {
        let phases = &self.phases;
        count(b",\"total_us\":", Some(phases.total), out);
        count(b",\"body_us\":", phases.body, out);
        count(b",\"queue_us\":", phases.queue, out);
        count(b",\"connect_us\":", phases.connect, out);
        count(b",\"head_us\":", phases.head, out);
    }

    fn json_upstream(&self, out: &mut Vec<u8>) {
        if let Some(upstream) = &self.upstream {
            text(b",\"upstream\":\"", Some(upstream.name.as_bytes()), out);
            text(b",\"endpoint\":\"", Some(upstream.endpoint.as_bytes()), out);
            count(b",\"attempts\":", Some(upstream.attempts.into()), out);
            count(b",\"upstream_status\":", upstream.status.map(u64::from), out);
        }
    }
}

/// A time in seconds behind its name.
#[inline]
fn seconds<const N: usize>(name: &[u8; N], micros: Option<u64>, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    match micros {
        Some(micros) => number::seconds(micros, out),
        None => out.push(b'-'),
    }
}

/// A member that is a number. `key` is all that stands before it.
#[inline]
fn count<const N: usize>(key: &[u8; N], value: Option<u64>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(key);
        number::decimal(value, out);
    }
}

/// A member that is a word of ours: there is nothing to escape.
#[inline]
fn word<const N: usize>(key: &[u8; N], value: Option<&str>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(key);
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    }
}

/// A member that is a string. `key` is all that stands before it, the quote included.
#[inline]
fn text<const N: usize>(key: &[u8; N], value: Option<&[u8]>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(key);
        escape::json(value, out);
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn entry() -> Entry<'static> {
        Entry {
            ended: Instant::now(),
            remote: Some("192.0.2.7"),
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
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(971_211_336_042);
        let stamp = Stamp::new(entry.ended, time, &TimeZone::UTC);
        entry.append(format, &stamp, &mut out);
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
    fn json_members_keep_their_order() {
        let full = Entry {
            referer: Some(b"http://a/"),
            phases: Phases {
                total: 1,
                body: Some(2),
                queue: Some(0),
                connect: Some(45),
                head: Some(678),
            },
            upstream: Some(Upstream {
                name: "php",
                endpoint: "",
                attempts: 0,
                status: Some(200),
            }),
            ..entry()
        };
        assert_eq!(
            line(&full, Format::Json),
            "{\"time\":\"2000-10-10T20:55:36.042Z\",\"remote\":\"192.0.2.7\",\"method\":\"GET\",\
             \"target\":\"/a.php?x=1\",\"version\":\"HTTP/1.1\",\"status\":503,\"request_bytes\":5,\
             \"response_bytes\":17,\"referer\":\"http://a/\",\"user_agent\":\"curl/8\",\
             \"id\":\"000000000000feed\",\"total_us\":1,\"body_us\":2,\"queue_us\":0,\"connect_us\":45,\
             \"head_us\":678,\"upstream\":\"php\",\"endpoint\":\"\",\"attempts\":0,\"upstream_status\":200,\
             \"reason\":\"queue_timeout\"}\n"
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
