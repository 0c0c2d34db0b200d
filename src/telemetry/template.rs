//! One request as a line of the operator's own form.
//!
//! Numbers and words of ours are written as they are. What a client or an application said is written as it came, and
//! escaped where it stands: nearly always there is nothing to escape.

use super::clock::Stamp;
use super::config::Escape;
use super::limits::LimitStatus;
use super::observer::Finished;
use super::reason::Reason;
use super::timeline::Phase;
use super::variable::LogVariable;
use super::{escape, number};
use crate::variables::{Part, Template, Variable};

impl Finished<'_> {
    /// Appends the line, line feed included.
    pub(super) fn template(
        &self,
        template: &Template<LogVariable>,
        escape: Escape,
        stamp: &Stamp,
        out: &mut Vec<u8>,
    ) {
        for part in template.parts() {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Variable(variable) => {
                    if !self.variable(variable, escape, stamp, out) && escape == Escape::Default {
                        out.push(b'-');
                    }
                }
            }
        }
        out.push(b'\n');
    }

    /// Appends a value, if there is one.
    fn variable(&self, variable: &LogVariable, escape: Escape, stamp: &Stamp, out: &mut Vec<u8>) -> bool {
        match variable {
            LogVariable::Request(variable) => self.of_request(variable, escape, out),
            LogVariable::RequestLine => self.request_line(escape, out),
            LogVariable::Status => decimal(Some(self.status.into()), out),
            LogVariable::BodyBytesSent => decimal(Some(self.response_bytes), out),
            LogVariable::RequestBodyBytes => decimal(Some(self.request_bytes), out),
            LogVariable::SentField(field) => value(escape, out, |sink| self.request.sent_field(field, sink)),
            LogVariable::TimeLocal => word(Some(&stamp.combined), out),
            LogVariable::TimeIso8601 => word(Some(&stamp.iso8601), out),
            LogVariable::Msec => {
                let millis = stamp.millis(self.timeline.since());
                seconds(Some(stamp.second * 1000 + u64::from(millis)), out)
            }
            LogVariable::Route => text(self.route, escape, out),
            LogVariable::Reason => word(self.reason.map(Reason::as_str), out),
            LogVariable::LimitReqStatus => word(self.limited.rate.map(LimitStatus::as_str), out),
            LogVariable::LimitConnStatus => word(self.limited.concurrent.map(LimitStatus::as_str), out),
            LogVariable::RequestTime
            | LogVariable::RequestBodyTime
            | LogVariable::UpstreamQueueTime
            | LogVariable::UpstreamConnectTime
            | LogVariable::UpstreamHeaderTime
            | LogVariable::UpstreamResponseTime => seconds(self.millis(variable), out),
            LogVariable::UpstreamName
            | LogVariable::UpstreamAddr
            | LogVariable::UpstreamStatus
            | LogVariable::UpstreamTries => self.of_upstream(variable, escape, out),
        }
    }

    fn of_request(&self, variable: &Variable, escape: Escape, out: &mut Vec<u8>) -> bool {
        let request = self.request;
        match variable {
            // These are at hand, and in most formats.
            Variable::RemoteAddr => word(Some(request.remote().unwrap_or("unix:")), out),
            Variable::RequestUri => bytes(request.target(), escape, out),
            Variable::RequestMethod => word(Some(request.method()), out),
            Variable::ServerProtocol => word(Some(request.version()), out),
            // By itself it is made by `core::fmt`.
            Variable::RequestId => {
                out.extend_from_slice(&number::hex(request.id()));
                true
            }
            _ => value(escape, out, |sink| request.write(variable, sink)),
        }
    }

    fn request_line(&self, escape: Escape, out: &mut Vec<u8>) -> bool {
        let request = self.request;
        word(Some(request.method()), out);
        out.push(b' ');
        bytes(request.target(), escape, out);
        out.push(b' ');
        word(Some(request.version()), out)
    }

    fn of_upstream(&self, variable: &LogVariable, escape: Escape, out: &mut Vec<u8>) -> bool {
        let Some(upstream) = &self.upstream else {
            return false;
        };
        match variable {
            LogVariable::UpstreamName => text(Some(upstream.name), escape, out),
            LogVariable::UpstreamStatus => decimal(upstream.status.map(u64::from), out),
            LogVariable::UpstreamTries => decimal(Some(upstream.attempts.into()), out),
            _ => text(
                Some(upstream.endpoint).filter(|name| !name.is_empty()),
                escape,
                out,
            ),
        }
    }

    /// Milliseconds, if it came to that.
    fn millis(&self, variable: &LogVariable) -> Option<u64> {
        let timeline = self.timeline;
        let upstream = |phase, phases: &[Phase]| {
            self.upstream?;
            timeline.micros(phase)?;
            Some(phases.iter().map(|phase| timeline.nanos(*phase)).sum())
        };
        let nanos: Option<u64> = match variable {
            LogVariable::RequestTime => Some(timeline.total_nanos()),
            LogVariable::RequestBodyTime => timeline.micros(Phase::Body).map(|micros| micros * 1000),
            LogVariable::UpstreamQueueTime => upstream(Phase::Queue, &[Phase::Queue]),
            LogVariable::UpstreamConnectTime => upstream(Phase::Connect, &[Phase::Connect]),
            LogVariable::UpstreamHeaderTime => upstream(Phase::Head, &[Phase::Connect, Phase::Head]),
            _ => upstream(Phase::Head, &[Phase::Connect, Phase::Head, Phase::Response]),
        };
        Some(nanos? / 1_000_000)
    }
}

/// A number.
#[inline]
fn decimal(value: Option<u64>, out: &mut Vec<u8>) -> bool {
    value.map(|value| number::decimal(value, out)).is_some()
}

/// A time in milliseconds, as seconds.
#[inline]
fn seconds(millis: Option<u64>, out: &mut Vec<u8>) -> bool {
    millis.map(|millis| number::millis(millis, out)).is_some()
}

/// A word of ours, or a token: there is nothing to escape.
#[inline]
fn word(value: Option<&str>, out: &mut Vec<u8>) -> bool {
    value
        .map(|value| out.extend_from_slice(value.as_bytes()))
        .is_some()
}

/// A text of the configuration.
fn text(text: Option<&str>, escape: Escape, out: &mut Vec<u8>) -> bool {
    text.is_some_and(|text| bytes(text.as_bytes(), escape, out))
}

/// What came in one piece.
#[inline]
fn bytes(value: &[u8], escape: Escape, out: &mut Vec<u8>) -> bool {
    match escape {
        Escape::Default => escape::combined(value, out),
        Escape::Json => escape::json(value, out),
        Escape::None => out.extend_from_slice(value),
    }
    true
}

/// What `write` gives, piece by piece: a character may be spread over two of them.
fn value(escape: Escape, out: &mut Vec<u8>, write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> bool {
    let start = out.len();
    let mut found = false;
    write(&mut |piece| {
        found = true;
        out.extend_from_slice(piece);
    });
    match escape {
        Escape::Default => escape::combined_from(start, out),
        Escape::Json => escape::json_from(start, out),
        Escape::None => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::telemetry::observer::Upstream;
    use crate::telemetry::observer::samples::{Asked, finished};
    use crate::telemetry::timeline::Timeline;

    const ASKED: Asked<'_> = Asked {
        remote: Some("192.0.2.7"),
        target: b"/a.php?x=1",
        host: None,
        referer: None,
        user_agent: Some(b"curl/8"),
        script: None,
    };

    /// 1 s for the body, 2 s in the queue, 4 s until connected, 8 s until the head, 16.0009 s until the end.
    fn timeline() -> Timeline {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timeline = Timeline::new(start);
        timeline.say(Phase::Body);
        timeline.enter(Phase::Queue, at(1));
        timeline.enter(Phase::Connect, at(3));
        timeline.enter(Phase::Head, at(7));
        timeline.enter(Phase::Response, at(15));
        timeline.pause(at(31) + Duration::from_micros(900));
        timeline
    }

    fn request<'a>(asked: &'a Asked<'a>, timeline: &'a Timeline) -> Finished<'a> {
        Finished {
            status: 200,
            request_bytes: 5,
            response_bytes: 17,
            route: Some("shop"),
            upstream: Some(Upstream {
                name: "php",
                endpoint: "unix:/run/fpm.sock",
                attempts: 2,
                status: Some(201),
            }),
            ..finished(asked, timeline)
        }
    }

    fn line(request: &Finished<'_>, template: &str, escape: Escape) -> String {
        let mut out = Vec::new();
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(971_211_336_042);
        let zone = TimeZone::fixed(jiff::tz::offset(-7));
        let stamp = Stamp::new(request.timeline.since(), time, &zone);
        request.template(&template.parse().unwrap(), escape, &stamp, &mut out);
        let line = String::from_utf8(out).unwrap();
        line.strip_suffix('\n').unwrap().to_owned()
    }

    #[test]
    fn every_variable_has_the_form_that_it_has_in_nginx() {
        let (asked, timeline) = (ASKED, timeline());
        let request = Finished {
            reason: Some(Reason::ClientGone),
            ..request(&asked, &timeline)
        };
        for (template, expected) in [
            ("$remote_addr $http_user_agent", "192.0.2.7 curl/8"),
            ("\"$request\"", "\"GET /a.php?x=1 HTTP/1.1\""),
            ("$status $body_bytes_sent $request_body_bytes", "200 17 5"),
            ("$request_time", "31.000"),
            ("$request_body_time", "1.000"),
            ("$time_local", "10/Oct/2000:13:55:36 -0700"),
            ("$time_iso8601", "2000-10-10T13:55:36-07:00"),
            ("$msec", "971211336.042"),
            ("$route", "shop"),
            ("$upstream_name $upstream_addr", "php unix:/run/fpm.sock"),
            ("$upstream_status $upstream_tries", "201 2"),
            ("$upstream_queue_time", "2.000"),
            ("$upstream_connect_time", "4.000"),
            ("$upstream_header_time", "12.000"),
            ("$upstream_response_time", "28.000"),
            ("$reason", "client_gone"),
            ("$sent_http_content_type", "text/html"),
            ("<$request_id>", "<000000000000feed>"),
            ("costs $$5", "costs $5"),
        ] {
            assert_eq!(line(&request, template, Escape::Default), expected, "{template}");
        }
    }

    #[test]
    fn what_is_not_there_is_a_hyphen_or_nothing() {
        let asked = Asked::default();
        let timeline = Timeline::new(Instant::now());
        let request = finished(&asked, &timeline);
        let absent = "$upstream_addr|$upstream_status|$upstream_response_time|$http_referer|$reason|$route|$sent_http_x";
        let lines =
            [Escape::Default, Escape::Json, Escape::None].map(|escape| line(&request, absent, escape));
        assert_eq!(lines, ["-|-|-|-|-|-|-", "||||||", "||||||"]);
        assert_eq!(line(&request, "$request_time", Escape::Default), "0.000");
    }

    #[test]
    fn an_upstream_that_was_waited_for_and_not_asked_has_a_queue_time_alone() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.enter(Phase::Queue, start);
        timeline.enter(Phase::Response, start + Duration::from_millis(1500));
        let asked = ASKED;
        let request = Finished {
            upstream: Some(Upstream {
                name: "php",
                ..Upstream::default()
            }),
            ..finished(&asked, &timeline)
        };
        let times =
            "$upstream_queue_time $upstream_connect_time $upstream_header_time $upstream_response_time";
        assert_eq!(line(&request, times, Escape::Default), "1.500 - - -");
        let upstream = "$upstream_name $upstream_addr $upstream_tries";
        assert_eq!(line(&request, upstream, Escape::Default), "php - 0");
    }

    #[test]
    fn values_are_escaped_and_the_text_between_them_is_not() {
        let asked = Asked {
            user_agent: Some(b"\"\\\r\n\x1b \xc3\xbc \xff"),
            ..ASKED
        };
        let timeline = timeline();
        let request = request(&asked, &timeline);
        for (escape, expected) in [
            (Escape::Default, r#""ü" \x22\x5C\x0D\x0A\x1B \xC3\xBC \xFF."#),
            (Escape::Json, r#""ü" \"\\\u000d\u000a\u001b ü �."#),
        ] {
            assert_eq!(line(&request, "\"ü\" $http_user_agent.", escape), expected);
        }
        let mut out = Vec::new();
        let plain = Stamp::new(Instant::now(), SystemTime::UNIX_EPOCH, &TimeZone::UTC);
        let template = "$http_user_agent".parse().unwrap();
        request.template(&template, Escape::None, &plain, &mut out);
        assert_eq!(out, b"\"\\\r\n\x1b \xc3\xbc \xff\n");
    }

    proptest! {
        #[test]
        fn every_line_of_a_template_is_one_line(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let timeline = timeline();
            let asked = Asked { target: &bytes, referer: Some(&bytes), user_agent: Some(&bytes), ..ASKED };
            let entry = request(&asked, &timeline);
            let combined = line(&entry, "\"$request\" \"$http_referer\" $uri", Escape::Default);
            prop_assert!(combined.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert_eq!(combined.matches('"').count(), 4);
            let json = line(&entry, r#"{"uri":"$uri","us":"$upstream_status"}"#, Escape::Json);
            let parsed: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(parsed, json!({ "uri": String::from_utf8_lossy(&bytes), "us": "201" }));
        }
    }
}
