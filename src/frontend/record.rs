//! What is remembered about one request, for whatever looks at it when it is over.

use http::StatusCode;
use tokio::time::Instant;

use super::context::Observed;
use super::limits::{Counted, Held};
use super::rejection::client_gone;
use super::seen::Seen;
use crate::telemetry::limits::Limited;
use crate::telemetry::observer::Upstream;
use crate::telemetry::{Finished, Phase, Reason};
use crate::upstream::Trace;

/// One request, as the logs and the counters see it.
pub(super) struct Record {
    /// The status of our answer; until there is one, the client has left before it.
    status: StatusCode,
    reason: Option<Reason>,
    /// What there is to say of few.
    notes: Option<Box<Notes>>,
    /// The request was refused, or failed.
    refused: bool,
    request_bytes: u64,
    response_bytes: u64,
    /// The number of its route.
    route: Option<u32>,
    /// Its time is counted to its end.
    closed: bool,
    /// Where its time went, and what happened upstream.
    pub(super) trace: Trace,
}

/// What there is to say of few requests: a word of the record has to do for it.
#[derive(Default)]
struct Notes {
    /// The rule that it breaks.
    rule: Option<String>,
    /// What it has counted for.
    counted: Counted,
}

impl Record {
    /// A request whose head has just been read.
    #[inline(always)] // it is large: made where it stays
    pub(super) fn begin(now: Instant) -> Self {
        Self {
            status: client_gone(),
            reason: Some(Reason::ClientGone),
            notes: None,
            refused: false,
            request_bytes: 0,
            response_bytes: 0,
            route: None,
            closed: false,
            trace: Trace::new(now),
        }
    }

    /// When what it waits for now began: right after [`begin`](Self::begin), the end of its head.
    pub(super) fn since(&self) -> Instant {
        Instant::from_std(self.trace.timeline.since())
    }

    /// The number of its route is found.
    pub(super) fn routed(&mut self, number: usize) {
        self.route = u32::try_from(number).ok();
    }

    /// The number of its route, if it got so far.
    pub(super) fn route_number(&self) -> Option<usize> {
        self.route.map(|route| route as usize)
    }

    /// The gateway itself has the answer: the rest is the client's.
    pub(super) fn ours(&mut self) {
        let now = self.trace.timeline.since();
        self.trace.timeline.enter(Phase::Response, now);
    }

    /// The client is waited for, for the request's body.
    pub(super) fn uploads(&mut self) {
        self.trace.timeline.say(Phase::Body);
    }

    /// The request's body is complete, or of known length and streaming.
    pub(super) fn received(&mut self, length: Option<u64>) {
        self.request_bytes = length.unwrap_or(0);
    }

    /// The request failed: the status of our refusal, as the log is to have it, and why.
    pub(super) fn refused(&mut self, status: StatusCode, reason: Reason) {
        (self.status, self.reason, self.refused) = (status, Some(reason), true);
    }

    /// The refusal goes to the client with this status.
    pub(super) fn restate(&mut self, status: StatusCode) {
        if self.refused {
            self.status = status;
        }
    }

    /// The refusal does not count: something else says how the request went.
    pub(super) fn forgive(&mut self) {
        (self.status, self.reason, self.refused) = (client_gone(), Some(Reason::ClientGone), false);
    }

    /// Why the request was refused, if it was.
    pub(super) fn refusal(&self) -> Option<Reason> {
        self.reason.filter(|_| self.refused)
    }

    /// It is no request that can be answered; which rule it breaks.
    pub(super) fn breaks(&mut self, rule: String) {
        self.notes.get_or_insert_default().rule = Some(rule);
    }

    /// What it has counted for so far.
    pub(super) fn counted(&mut self) -> &mut Counted {
        &mut self.notes.get_or_insert_default().counted
    }

    /// Whether there is more to say of it than of most.
    #[inline]
    pub(super) fn has_notes(&self) -> bool {
        self.notes.is_some()
    }

    /// Where it counts as long as it is under way.
    pub(super) fn take_held(&mut self) -> Vec<Held> {
        let notes = self.notes.as_mut();
        notes.map_or_else(Vec::new, |notes| notes.counted.take_held())
    }

    /// There is an answer. The status of a refusal stays.
    pub(super) fn answered(&mut self, status: StatusCode) {
        if !self.refused {
            (self.status, self.reason) = (status, None);
        }
    }

    /// The answer did not go to its end.
    pub(super) fn broke_off(&mut self, reason: Reason) {
        self.reason = Some(reason);
    }

    /// Bytes of the answer's body went to the client.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.response_bytes += bytes as u64;
    }

    /// The status in the log.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The word in the log, if something went wrong.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// Bytes of the answer's body that went to the client.
    pub(super) fn response_bytes(&self) -> u64 {
        self.response_bytes
    }

    /// When the head of an application's answer came, or it was given up.
    pub(super) fn answered_at(&self) -> Option<Instant> {
        self.trace.timeline.responds_since().map(Instant::from_std)
    }

    /// The whole answer went out at once; `now` is the time. An answer that is none of an application's took no time
    /// that were worth a look at the clock, unless it is to be `told`.
    pub(super) fn sent_at_once(&mut self, now: Instant, told: bool) {
        if self.trace.upstream.is_some() {
            self.trace.timeline.pause(now.into_std());
            self.closed = true;
        } else {
            self.closed = !told;
        }
    }

    /// The request is over: counts what was spent until then.
    pub(super) fn close(&mut self) {
        if !self.closed {
            self.trace.timeline.pause(Instant::now().into_std());
        }
    }

    /// How its route is observed, out of all of them, if it got so far.
    pub(super) fn route<'a>(&self, routes: &'a [Observed]) -> Option<&'a Observed> {
        routes.get(self.route? as usize)
    }

    /// What there is to see of a request that [is over](Self::close), on its route.
    pub(super) fn finished<'a>(&'a self, request: &'a Seen<'_>, route: Option<&'a Observed>) -> Finished<'a> {
        let trace = &self.trace;
        Finished {
            request,
            status: self.status.as_u16(),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            timeline: &trace.timeline,
            route: route.map(|route| &*route.times.name),
            slow: route.and_then(|route| route.slow),
            upstream: trace.upstream.as_ref().map(|name| Upstream {
                name,
                endpoint: trace.endpoint_name().unwrap_or(""),
                attempts: trace.attempts,
                status: trace.status,
            }),
            reason: self.reason,
            limited: self
                .notes
                .as_ref()
                .map_or_else(Limited::default, |notes| notes.counted.outcome),
            rule: self.notes.as_ref().and_then(|notes| notes.rule.as_deref()),
        }
    }
}
