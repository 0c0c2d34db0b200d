//! What is remembered about one request, and its line in the access log.

use std::cell::RefCell;
use std::time::Duration;

use http::{StatusCode, Version};
use tokio::time::Instant;

use super::connection::Connection;
use super::received::Received;
use super::rejection::client_gone;
use crate::protocol::fields::FieldName;
use crate::telemetry::line::{Entry, Phases, Upstream};
use crate::telemetry::{AccessLog, Counters};
use crate::upstream::Trace;

/// One request, as the log and the counters see it.
pub(super) struct Record {
    started: Instant,
    /// The status of our answer; until there is one, the client has left before it.
    status: StatusCode,
    reason: Option<&'static str>,
    /// The request was refused, or failed.
    refused: bool,
    body_time: Option<Duration>,
    request_bytes: u64,
    response_bytes: u64,
    /// What happened upstream.
    pub(super) trace: Trace,
}

thread_local! {
    /// Where log lines are made.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Record {
    /// A request whose head has just been read.
    pub(super) fn begin() -> Self {
        Self {
            started: Instant::now(),
            status: client_gone(),
            reason: Some("client_gone"),
            refused: false,
            body_time: None,
            request_bytes: 0,
            response_bytes: 0,
            trace: Trace::default(),
        }
    }

    /// When the head was complete.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// The request's body is complete, or of known length and streaming.
    pub(super) fn received(&mut self, length: Option<u64>) {
        let Some(length) = length.filter(|length| *length > 0) else {
            return;
        };
        self.request_bytes = length;
        self.body_time = Some(self.started.elapsed());
    }

    /// The request failed: the status of our refusal, as the log is to have it, and why.
    pub(super) fn refused(&mut self, status: StatusCode, reason: &'static str) {
        (self.status, self.reason, self.refused) = (status, Some(reason), true);
    }

    /// There is an answer. The status of a refusal stays.
    pub(super) fn answered(&mut self, status: StatusCode) {
        if !self.refused {
            (self.status, self.reason) = (status, None);
        }
    }

    /// The answer did not go to its end.
    pub(super) fn broke_off(&mut self, reason: &'static str) {
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
    pub(super) fn reason(&self) -> Option<&'static str> {
        self.reason
    }

    /// Bytes of the answer's body that went to the client.
    pub(super) fn response_bytes(&self) -> u64 {
        self.response_bytes
    }

    /// The request is over: adds it to what is counted.
    pub(super) fn count(&self, counters: &Counters) {
        counters.response(self.status.as_u16());
        counters.request_bytes.add(self.request_bytes);
        counters.response_bytes.add(self.response_bytes);
    }

    /// Writes the request's line.
    pub(super) fn log(&self, request: &Received, connection: &Connection, log: &AccessLog) {
        SCRATCH.with_borrow_mut(|scratch| self.write(request, connection, log, scratch));
    }

    fn write(&self, request: &Received, connection: &Connection, log: &AccessLog, scratch: &mut Vec<u8>) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (head, trace) = (&request.head, &self.trace);
        let sent = trace.attempts > 0;
        let ended = Instant::now();
        let entry = Entry {
            ended: ended.into_std(),
            remote: connection.connected.ip(),
            method: request.asked_method().as_str(),
            target: request.asked(),
            version: version(head.version),
            status: self.status.as_u16(),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            referer: head.fields.get(FieldName::Referer),
            user_agent: head.fields.get(FieldName::UserAgent),
            id: head.id.0,
            phases: Phases {
                total: micros(ended.saturating_duration_since(self.started)),
                body: self.body_time.map(micros),
                queue: sent.then(|| micros(trace.queue)),
                connect: sent.then(|| micros(trace.connect)),
                head: trace.head.map(micros),
            },
            upstream: trace.upstream.as_ref().map(|name| Upstream {
                name,
                endpoint: trace.endpoint_name().unwrap_or(""),
                attempts: trace.attempts,
                status: trace.status,
            }),
            reason: self.reason,
        };
        log.write(&entry, scratch);
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
