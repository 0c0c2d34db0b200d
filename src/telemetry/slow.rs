//! The slow log: one line in the error log for each request that took longer than it may, in the words of PHP-FPM's.

use std::time::Duration;

use super::escape;
use super::observer::{Finished, Observer};
use super::timeline::Phase;

/// Tells of slow requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlowLog {
    /// What a request may take unless its route says otherwise; zero: whatever it likes.
    limit: Duration,
}

impl SlowLog {
    /// Tells of requests that took `limit`, or longer; of none if that is zero.
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }

    fn is_slow(&self, request: &Finished<'_>) -> bool {
        let limit = request.slow.unwrap_or(self.limit);
        !limit.is_zero() && request.timeline.total() >= limit
    }
}

impl Observer for SlowLog {
    fn finished(&self, request: &Finished<'_>) {
        if self.is_slow(request) {
            tell(request);
        }
    }
}

#[cold]
fn tell(request: &Finished<'_>) {
    let upstream = request.upstream.unwrap_or_default();
    let host = request.request.host().map(String::from_utf8_lossy);
    tracing::warn!(
        request = %format_args!("{:016x}", request.request.id()),
        host = host.as_deref(),
        route = request.route,
        status = request.status,
        reason = request.reason.map(|reason| reason.as_str()),
        endpoint = Some(upstream.endpoint).filter(|endpoint| !endpoint.is_empty()),
        attempts = upstream.attempts,
        "{}",
        line(request)
    );
}

/// `[pool php] script '/srv/a.php' (request: "GET /a.php") too slow (3.214 s): body 0.001, queue 2.100, …`
fn line(request: &Finished<'_>) -> String {
    let asked = request.request;
    let mut text = String::new();
    if let Some(upstream) = &request.upstream {
        text = format!("[pool {}] ", upstream.name);
    }
    if let Some(script) = asked.script() {
        text += &format!("script '{}' ", escaped(script));
    }
    let (method, target) = (escaped(asked.method().as_bytes()), escaped(asked.target()));
    let total = request.timeline.total().as_secs_f64();
    text += &format!("(request: \"{method} {target}\") too slow ({total:.3} s)");
    let phases = Phase::ALL.iter().filter_map(|phase| {
        let time = request.timeline.said(*phase)?;
        Some(format!("{} {:.3}", word(*phase), time.as_secs_f64()))
    });
    let phases: Vec<_> = phases.collect();
    if !phases.is_empty() {
        text += &format!(": {}", phases.join(", "));
    }
    text
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Body => "request body",
        Phase::Queue => "queue",
        Phase::Connect => "connect",
        Phase::Head => "application",
        Phase::Response => "response",
    }
}

/// What a client sends stays in its quotes.
fn escaped(text: &[u8]) -> String {
    let mut out = Vec::new();
    escape::combined(text, &mut out);
    String::from_utf8_lossy(&out).replace('\'', "\\x27")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::telemetry::observer::Upstream;
    use crate::telemetry::observer::samples::{Asked, finished};
    use crate::telemetry::timeline::Timeline;

    fn timeline() -> Timeline {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.enter(Phase::Queue, start);
        timeline.enter(Phase::Connect, start + Duration::from_millis(2100));
        timeline.enter(Phase::Head, start + Duration::from_millis(2101));
        timeline.enter(Phase::Response, start + Duration::from_millis(3150));
        timeline.pause(start + Duration::from_millis(3214));
        timeline
    }

    #[test]
    fn a_line_says_where_the_time_went() {
        let timeline = timeline();
        let asked = Asked {
            script: Some(b"/srv/it's.php"),
            target: b"/a.php?\"\n",
            ..Asked::default()
        };
        let request = Finished {
            upstream: Some(Upstream {
                name: "php",
                ..Upstream::default()
            }),
            ..finished(&asked, &timeline)
        };
        assert_eq!(
            line(&request),
            "[pool php] script '/srv/it\\x27s.php' (request: \"GET /a.php?\\x22\\x0A\") too slow (3.214 s): \
             queue 2.100, connect 0.001, application 1.049, response 0.064"
        );
    }

    #[test]
    fn an_answer_of_ours_is_all_response() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.enter(Phase::Response, start);
        timeline.pause(start + Duration::from_secs(2));
        let asked = Asked {
            target: b"/",
            ..Asked::default()
        };
        let expected = "(request: \"GET /\") too slow (2.000 s): response 2.000";
        assert_eq!(line(&finished(&asked, &timeline)), expected);
    }

    #[test]
    fn the_route_decides_what_is_slow() {
        let (timeline, asked) = (timeline(), Asked::default());
        let usual = SlowLog::new(Duration::from_secs(3));
        let request = |slow| Finished {
            slow,
            ..finished(&asked, &timeline)
        };
        assert!(usual.is_slow(&request(None)));
        assert!(!usual.is_slow(&request(Some(Duration::from_secs(4)))));
        assert!(!usual.is_slow(&request(Some(Duration::ZERO))));
        assert!(!SlowLog::default().is_slow(&request(None)));
        assert!(SlowLog::default().is_slow(&request(Some(timeline.total()))));
    }
}
