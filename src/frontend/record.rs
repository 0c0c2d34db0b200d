//! What is remembered about one request, for whatever looks at it when it is over.

use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, Version};
use tokio::time::Instant;

use super::received::Received;
use super::rejection::client_gone;
use super::route::Route;
use crate::protocol::fields::FieldName;
use crate::telemetry::observer::Upstream;
use crate::telemetry::{Finished, Phase, Reason, RouteTimes};
use crate::upstream::Trace;

/// One request, as the logs and the counters see it.
pub(super) struct Record {
    /// The status of our answer; until there is one, the client has left before it.
    status: StatusCode,
    reason: Option<Reason>,
    /// The request was refused, or failed.
    refused: bool,
    request_bytes: u64,
    response_bytes: u64,
    /// The times of its route.
    pub(super) route: Option<Arc<RouteTimes>>,
    /// When it counts as slow, if its route says so.
    slow: Option<Duration>,
    /// Where its time went, and what happened upstream.
    pub(super) trace: Trace,
}

impl Record {
    /// A request whose head has just been read.
    pub(super) fn begin() -> Self {
        Self {
            status: client_gone(),
            reason: Some(Reason::ClientGone),
            refused: false,
            request_bytes: 0,
            response_bytes: 0,
            route: None,
            slow: None,
            trace: Trace::new(Instant::now()),
        }
    }

    /// When what it waits for now began: right after [`begin`](Self::begin), the end of its head.
    pub(super) fn since(&self) -> Instant {
        Instant::from_std(self.trace.timeline.since())
    }

    /// Its route is found.
    pub(super) fn routed(&mut self, route: &Route) {
        self.route = Some(route.times.clone());
        self.slow = route.config.slow;
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

    /// The request is over.
    pub(super) fn end(&mut self) {
        self.trace.timeline.pause(Instant::now().into_std());
    }

    /// What there is to see of a request that [is over](Self::end). `remote` is its client's address.
    #[inline]
    pub(super) fn finished<'a>(&'a self, request: &'a Received, remote: Option<&'a str>) -> Finished<'a> {
        let (head, trace) = (&request.head, &self.trace);
        Finished {
            ended: trace.timeline.since(),
            remote,
            method: head.method.as_str(),
            target: request.asked(),
            version: version(head.version),
            status: self.status.as_u16(),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            referer: head.fields.get(FieldName::Referer),
            user_agent: head.fields.get(FieldName::UserAgent),
            id: head.id.0,
            timeline: &trace.timeline,
            route: self.route.as_ref().map(|route| &*route.name),
            slow: self.slow,
            script: head.script.filename.as_deref(),
            upstream: trace.upstream.as_ref().map(|name| Upstream {
                name,
                endpoint: trace.endpoint_name().unwrap_or(""),
                attempts: trace.attempts,
                status: trace.status,
            }),
            reason: self.reason,
        }
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
