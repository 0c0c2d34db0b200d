//! One request as one line of the access log.
//!
//! Whatever a client sends, a line stays a line, and a terminal that shows it stays as it is: control characters
//! and, in the combined format, every byte above 0x7E are escaped.

use super::clock::Stamp;
use super::config::{Escape, Format};
use super::observer::Finished;
use super::reason::Reason;
use super::timeline::Phase;
use super::{escape, number};

impl Finished<'_> {
    /// Appends the line, line feed included. `escape` is for templates: the other forms have their own way.
    pub fn append(&self, format: &Format, escape: Escape, stamp: &Stamp, out: &mut Vec<u8>) {
        match format {
            Format::Combined => self.combined(stamp, out),
            Format::Json => self.json(stamp, out),
            Format::Template(template) => self.template(template, escape, stamp, out),
        }
    }

    /// Apache's combined format, then what a gateway has to tell, in seconds as nginx does.
    fn combined(&self, stamp: &Stamp, out: &mut Vec<u8>) {
        let asked = self.request;
        out.extend_from_slice(asked.remote().unwrap_or("unix:").as_bytes());
        out.extend_from_slice(b" - - [");
        out.extend_from_slice(stamp.combined.as_bytes());
        out.extend_from_slice(b"] \"");
        escape::combined(asked.method().as_bytes(), out);
        out.push(b' ');
        escape::combined(asked.target(), out);
        out.push(b' ');
        out.extend_from_slice(asked.version().as_bytes());
        out.extend_from_slice(b"\" ");
        number::decimal(self.status.into(), out);
        out.push(b' ');
        number::decimal(self.response_bytes, out);
        out.extend_from_slice(b" \"");
        escape::combined(asked.referer().unwrap_or(b"-"), out);
        out.extend_from_slice(b"\" \"");
        escape::combined(asked.user_agent().unwrap_or(b"-"), out);
        self.combined_phases(out);
        self.combined_upstream(out);
        out.extend_from_slice(b" reason=");
        out.extend_from_slice(self.reason.map_or("-", Reason::as_str).as_bytes());
        out.extend_from_slice(b" id=");
        out.extend_from_slice(&number::hex(asked.id()));
        out.extend_from_slice(b" host=\"");
        escape::combined(asked.host().unwrap_or(b"-"), out);
        out.push(b'"');
        if let Some(rule) = self.rule {
            out.extend_from_slice(b" rule=\"");
            escape::combined(rule.as_bytes(), out);
            out.push(b'"');
        }
        out.push(b'\n');
    }

    fn combined_phases(&self, out: &mut Vec<u8>) {
        let timeline = self.timeline;
        seconds(b"\" rt=", Some(timeline.total_nanos() / 1000), out);
        seconds(b" bt=", timeline.micros(Phase::Body), out);
        seconds(b" qt=", timeline.micros(Phase::Queue), out);
        seconds(b" uct=", timeline.micros(Phase::Connect), out);
        seconds(b" uht=", timeline.micros(Phase::Head), out);
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
        let asked = self.request;
        out.extend_from_slice(b"{\"time\":\"");
        out.extend_from_slice(stamp.utc.as_bytes());
        let [a, b, c] = number::three(stamp.millis(self.timeline.since()).into());
        out.extend_from_slice(&[b'.', a, b, c, b'Z', b'"']);
        word(b",\"remote\":\"", asked.remote(), out);
        text(b",\"method\":\"", Some(asked.method().as_bytes()), out);
        text(b",\"host\":\"", asked.host(), out);
        text(b",\"target\":\"", Some(asked.target()), out);
        word(b",\"version\":\"", Some(asked.version()), out);
        count(b",\"status\":", Some(self.status.into()), out);
        count(b",\"request_bytes\":", Some(self.request_bytes), out);
        count(b",\"response_bytes\":", Some(self.response_bytes), out);
        text(b",\"referer\":\"", asked.referer(), out);
        text(b",\"user_agent\":\"", asked.user_agent(), out);
        out.extend_from_slice(b",\"id\":\"");
        out.extend_from_slice(&number::hex(asked.id()));
        out.push(b'"');
        self.json_phases(out);
        self.json_upstream(out);
        word(b",\"reason\":\"", self.reason.map(Reason::as_str), out);
        text(b",\"rule\":\"", self.rule.map(str::as_bytes), out);
        out.extend_from_slice(b"}\n");
    }

    fn json_phases(&self, out: &mut Vec<u8>) {
        let timeline = self.timeline;
        count(b",\"total_us\":", Some(timeline.total_nanos() / 1000), out);
        count(b",\"body_us\":", timeline.micros(Phase::Body), out);
        count(b",\"queue_us\":", timeline.micros(Phase::Queue), out);
        count(b",\"connect_us\":", timeline.micros(Phase::Connect), out);
        count(b",\"head_us\":", timeline.micros(Phase::Head), out);
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
    use std::time::{Duration, Instant, SystemTime};

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::telemetry::limits::Limited;
    use crate::telemetry::observer::Upstream;
    use crate::telemetry::observer::samples::{Asked, finished};
    use crate::telemetry::timeline::Timeline;

    /// 30 s in the queue, and 1 ms in the phase after it.
    fn waited() -> Timeline {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.enter(Phase::Queue, start);
        timeline.enter(Phase::Response, start + Duration::from_secs(30));
        timeline.pause(start + Duration::from_millis(30_001));
        timeline
    }

    const ASKED: Asked<'_> = Asked {
        remote: Some("192.0.2.7"),
        target: b"/a.php?x=1",
        host: Some(b"shop.example:8080"),
        referer: None,
        user_agent: Some(b"curl/8"),
        script: None,
    };

    fn request<'a>(asked: &'a Asked<'a>, timeline: &'a Timeline) -> Finished<'a> {
        Finished {
            status: 503,
            request_bytes: 5,
            response_bytes: 17,
            upstream: Some(Upstream {
                name: "php",
                endpoint: "unix:/run/fpm.sock",
                attempts: 2,
                status: None,
            }),
            reason: Some(Reason::QueueTimeout),
            ..finished(asked, timeline)
        }
    }

    fn line(request: &Finished<'_>, format: Format) -> String {
        let mut out = Vec::new();
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(971_211_336_042);
        let stamp = Stamp::new(request.timeline.since(), time, &TimeZone::UTC);
        request.append(&format, Escape::Default, &stamp, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn combined_is_apaches_format_and_a_tail() {
        assert_eq!(
            line(&request(&ASKED, &waited()), Format::Combined),
            "192.0.2.7 - - [10/Oct/2000:20:55:36 +0000] \"GET /a.php?x=1 HTTP/1.1\" 503 17 \"-\" \"curl/8\" \
             rt=30.001000 bt=- qt=30.000000 uct=- uht=- up=\"php unix:/run/fpm.sock\" us=- try=2 \
             reason=queue_timeout id=000000000000feed host=\"shop.example:8080\"\n"
        );
        let timeline = waited();
        let asked = Asked {
            remote: None,
            ..ASKED
        };
        let local = Finished {
            status: 200,
            upstream: None,
            reason: None,
            limited: Limited::default(),
            ..request(&asked, &timeline)
        };
        assert_eq!(
            line(&local, Format::Combined),
            "unix: - - [10/Oct/2000:20:55:36 +0000] \"GET /a.php?x=1 HTTP/1.1\" 200 17 \"-\" \"curl/8\" \
             rt=30.001000 bt=- qt=30.000000 uct=- uht=- up=\"-\" us=- try=0 reason=- id=000000000000feed \
             host=\"shop.example:8080\"\n"
        );
    }

    #[test]
    fn json_has_a_member_for_what_happened() {
        let parsed: Value = serde_json::from_str(&line(&request(&ASKED, &waited()), Format::Json)).unwrap();
        assert_eq!(
            parsed,
            json!({
                "time": "2000-10-10T20:55:36.042Z",
                "remote": "192.0.2.7",
                "method": "GET",
                "host": "shop.example:8080",
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
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        let micros = |micros| start + Duration::from_micros(micros);
        timeline.say(Phase::Body);
        for (phase, begin) in [(Phase::Queue, 2), (Phase::Connect, 2), (Phase::Head, 47)] {
            timeline.enter(phase, micros(begin));
        }
        timeline.enter(Phase::Response, micros(725));
        let asked = Asked {
            referer: Some(b"http://a/"),
            ..ASKED
        };
        let full = Finished {
            upstream: Some(Upstream {
                name: "php",
                endpoint: "",
                attempts: 0,
                status: Some(200),
            }),
            ..request(&asked, &timeline)
        };
        assert_eq!(
            line(&full, Format::Json),
            "{\"time\":\"2000-10-10T20:55:36.042Z\",\"remote\":\"192.0.2.7\",\"method\":\"GET\",\
             \"host\":\"shop.example:8080\",\"target\":\"/a.php?x=1\",\"version\":\"HTTP/1.1\",\"status\":503,\"request_bytes\":5,\
             \"response_bytes\":17,\"referer\":\"http://a/\",\"user_agent\":\"curl/8\",\
             \"id\":\"000000000000feed\",\"total_us\":725,\"body_us\":2,\"queue_us\":0,\"connect_us\":45,\
             \"head_us\":678,\"upstream\":\"php\",\"endpoint\":\"\",\"attempts\":0,\"upstream_status\":200,\
             \"reason\":\"queue_timeout\"}\n"
        );
    }

    #[test]
    fn a_line_says_which_rule_was_broken() {
        let timeline = waited();
        let refused = Finished {
            reason: Some(Reason::BadField),
            rule: Some("field name is no token: A\"B"),
            ..request(&ASKED, &timeline)
        };
        let combined = line(&refused, Format::Combined);
        let end = " reason=bad_field id=000000000000feed host=\"shop.example:8080\" rule=\"field name is no token: A\\x22B\"\n";
        assert!(combined.ends_with(end), "{combined}");
        let json = line(&refused, Format::Json);
        let end = "\"reason\":\"bad_field\",\"rule\":\"field name is no token: A\\\"B\"}\n";
        assert!(json.ends_with(end), "{json}");
    }

    #[test]
    fn nothing_a_client_sends_leaves_its_quotes() {
        let timeline = waited();
        let asked = Asked {
            user_agent: Some(b"\" 200 0 \"forged\"\r\n\x1b[2J\\ \xc3\xbc \xff\xc2\x9b"),
            ..ASKED
        };
        let hostile = request(&asked, &timeline);
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
            let timeline = waited();
            let asked = Asked { target: &bytes, referer: Some(&bytes), user_agent: Some(&bytes), ..ASKED };
            let entry = request(&asked, &timeline);
            let combined = line(&entry, Format::Combined);
            let printable = combined.trim_end_matches('\n').bytes().all(|byte| matches!(byte, b' '..=b'~'));
            prop_assert!(printable && combined.lines().count() == 1);
            prop_assert_eq!(combined.matches('"').count(), 10);
            let json = line(&entry, Format::Json);
            prop_assert!(!json.trim_end_matches('\n').chars().any(char::is_control));
            let parsed: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(parsed["target"].as_str().unwrap(), &*String::from_utf8_lossy(&bytes));
        }
    }
}
