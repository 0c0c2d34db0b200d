//! What is remembered about one request, and the guard that logs it exactly once.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode, Version};

use super::answer::{Answer, Outgoing};
use super::body::{Body, Broken};
use super::download::Meter;
use super::pace::Rate;
use super::rejection::{Rejection, client_gone};
use super::request::Request;
use super::respond;
use super::service::{Connection, Service};
use super::tunnel::Tunnel;
use crate::protocol::fields::FieldName;
use crate::protocol::request::RequestId;
use crate::telemetry::line::{Entry, Phases, Upstream};
use crate::upstream::Trace;

/// One request, from its head to the last byte of its answer. Dropped: logged and counted.
pub struct Record {
    service: Arc<Service>,
    connection: Arc<Connection>,
    started: Instant,
    id: RequestId,
    method: Method,
    target: Bytes,
    version: Version,
    /// What the client wants to read, should the answer be an error of ours.
    accept: Option<Bytes>,
    referer: Option<Bytes>,
    user_agent: Option<Bytes>,
    /// The status of our answer; until there is one, the client has left before it.
    status: StatusCode,
    reason: Option<&'static str>,
    /// The status of our refusal, as the log is to have it.
    refused: Option<StatusCode>,
    /// Whether nothing after this request is to be believed: the connection ends with its answer.
    last: bool,
    /// How fast the client has to take the answer.
    least: Option<Rate>,
    body_time: Option<Duration>,
    request_bytes: u64,
    response_bytes: u64,
    trace: Trace,
}

/// An answer's body with the record of its request.
pub struct Logged {
    body: Body,
    record: Box<Record>,
    /// Bytes that the client is to get, when their number is known.
    expected: Option<u64>,
    ended: bool,
    /// How fast the client takes it, where it matters.
    meter: Option<Arc<Meter>>,
}

thread_local! {
    /// Where log lines are made.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Record {
    /// A request whose head has just been read.
    pub fn begin(service: &Arc<Service>, request: &Request, connection: &Arc<Connection>) -> Box<Self> {
        service.counters.requests.add(1);
        connection.requests.begin();
        // Looked up only for a log that will have it.
        let is_on = service.log.is_on();
        let logged = |name| is_on.then(|| request.fields.to_bytes(name)).flatten();
        Box::new(Self {
            service: service.clone(),
            connection: connection.clone(),
            started: Instant::now(),
            id: RequestId(fastrand::u64(..)),
            method: request.method.clone(),
            target: request.target.to_bytes(),
            version: request.version,
            accept: request.fields.to_bytes(FieldName::Accept),
            referer: logged(FieldName::Referer),
            user_agent: logged(FieldName::UserAgent),
            status: client_gone(),
            reason: Some("client_gone"),
            refused: None,
            last: false,
            least: None,
            body_time: None,
            request_bytes: 0,
            response_bytes: 0,
            trace: Trace::default(),
        })
    }

    /// The target is shown as it came, though it is none.
    pub fn seen(&mut self, target: &[u8]) {
        if !target.is_empty() {
            self.target = Bytes::copy_from_slice(target);
        }
    }

    /// The request's name.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// What happens upstream goes here.
    pub fn trace(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// The client waits to be asked for the body. Until it is, nobody can tell whether the bytes behind the head
    /// are that body or the next request.
    pub fn awaited(&mut self) {
        self.last = true;
    }

    /// How fast the client has to take the answer.
    pub(super) fn least(&mut self, rate: Option<Rate>) {
        self.least = rate;
    }

    /// The request's body is complete, or of known length and streaming.
    pub fn received(&mut self, length: Option<u64>) {
        self.last = false;
        let Some(length) = length.filter(|length| *length > 0) else {
            return;
        };
        self.request_bytes = length;
        self.body_time = Some(self.started.elapsed());
    }

    /// The answer to a request that failed; says so in the error log where an operator can do something.
    pub fn reject(&mut self, rejection: &Rejection) -> Answer {
        let status = rejection.status();
        // 501 is what a client gets for a coding of its own.
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
            let endpoint = self.trace.endpoint_name();
            tracing::warn!(request = %self.id, reason = rejection.reason(), endpoint, error = %rejection, "request failed");
        } else {
            tracing::debug!(request = %self.id, reason = rejection.reason(), error = %rejection, "request refused");
        }
        self.reason = Some(rejection.reason());
        self.service.counters.error(rejection.reason());
        self.last |= rejection.is_last();
        self.refused = Some(status);
        respond::rejection(rejection, self.id, self.accept.as_deref())
    }

    /// The answer on its way to the client.
    pub fn answered(mut self: Box<Self>, mut answer: Answer) -> Outgoing {
        self.status = self.refused.unwrap_or(answer.status);
        if self.refused.is_none() {
            self.reason = None;
        }
        let bodiless = self.method == Method::HEAD || matches!(self.status.as_u16(), 100..200 | 204 | 304);
        let tunnel = if bodiless { withhold(&mut answer) } else { None };
        Outgoing {
            status: answer.status,
            fields: answer.fields,
            length: answer.length.filter(|_| bodiless),
            close: self.ends_connection(answer.status),
            tunnel,
            body: self.logged(answer.body),
        }
    }

    fn logged(self: Box<Self>, body: Body) -> Logged {
        Logged {
            expected: body.remaining(),
            ended: false,
            meter: self.least.map(|rate| self.connection.downloads.meter(rate)),
            body,
            record: self,
        }
    }

    /// Whether the client is told to send nothing more on this connection. HTTP/2 has its own way to say so.
    fn ends_connection(&self, status: StatusCode) -> bool {
        let leaves = self.connection.leave.is_given() && status != StatusCode::SWITCHING_PROTOCOLS;
        (self.last || leaves) && self.version != Version::HTTP_2
    }

    fn log(&self) {
        SCRATCH.with_borrow_mut(|scratch| self.write(scratch));
    }

    fn write(&self, scratch: &mut Vec<u8>) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let trace = &self.trace;
        let sent = trace.attempts > 0;
        let ended = Instant::now();
        let entry = Entry {
            ended,
            remote: self.connection.connected.ip(),
            method: self.method.as_str(),
            target: &self.target,
            version: version(self.version),
            status: self.status.as_u16(),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            referer: self.referer.as_deref(),
            user_agent: self.user_agent.as_deref(),
            id: self.id.0,
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
        self.service.log.write(&entry, scratch);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let counters = &self.service.counters;
        self.connection.requests.end();
        counters.response(self.status.as_u16());
        counters.request_bytes.add(self.request_bytes);
        counters.response_bytes.add(self.response_bytes);
        if self.service.log.is_on() {
            self.log();
        }
    }
}

impl Logged {
    /// The next bytes. The first failure is the last that comes.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        if let Some(meter) = &self.meter {
            meter.taken();
        }
        let chunk = ready!(self.body.poll_chunk(cx));
        match &chunk {
            Some(Ok(bytes)) => self.sent(bytes.len()),
            Some(Err(broken)) => {
                self.ended = true;
                self.broke_off(broken);
            }
            None => self.ended = true,
        }
        Poll::Ready(chunk)
    }

    /// Files are read in pieces of so many bytes, at most.
    pub fn in_pieces(&mut self, piece: usize) {
        self.body.in_pieces(piece);
    }

    /// Whether the kernel may copy the body from a file.
    pub fn is_file(&mut self) -> bool {
        self.body.file().is_some()
    }

    /// Has `copy` send some of a file, from an offset and so many bytes at most: see [`is_file`](Self::is_file). The
    /// first failure is the last; one of the client's socket is none of the answer.
    pub fn poll_copy(
        &mut self,
        copy: impl FnOnce(&File, u64, usize) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        if let Some(meter) = &self.meter {
            meter.taken();
        }
        let Some(file) = self.body.file() else {
            return Poll::Ready(Ok(()));
        };
        let sent = ready!(file.poll_copy(copy));
        match &sent {
            Ok(count) => self.sent(*count),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.ended = true;
                self.broke_off(&Broken::File(io::ErrorKind::UnexpectedEof.into()));
            }
            Err(_) => {}
        }
        Poll::Ready(sent.map(drop))
    }

    /// The client is slower than the application, which is not to wait for it.
    pub fn detach(&mut self) {
        self.body.detach();
    }

    /// Whether all of it was given out.
    pub fn is_over(&self) -> bool {
        self.body.is_over()
    }

    /// Bytes still to be given out, when their number is known.
    pub fn remaining(&self) -> Option<u64> {
        self.body.remaining()
    }

    fn sent(&mut self, bytes: usize) {
        self.record.response_bytes += bytes as u64;
        if let Some(meter) = &self.meter {
            meter.given(bytes);
        }
    }

    /// Why the client did not get all of it.
    fn gone(&self) -> &'static str {
        if !self.meter.as_ref().is_some_and(|meter| meter.is_too_slow()) {
            return "client_gone";
        }
        let reason = "client_too_slow";
        self.record.service.counters.error(reason);
        reason
    }

    fn broke_off(&mut self, broken: &Broken) {
        let record = &mut self.record;
        tracing::warn!(request = %record.id, reason = broken.reason(), endpoint = record.trace.endpoint_name(), error = %broken, "answer broke off");
        record.service.counters.error(broken.reason());
        record.reason = Some(broken.reason());
    }

    /// Whether the client has got everything. Nothing more is asked for when the announced length is reached.
    fn is_complete(&self) -> bool {
        self.ended || self.expected == Some(self.record.response_bytes)
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        if !self.is_complete() && !self.body.is_over() {
            self.record.reason = self.record.reason.or_else(|| Some(self.gone()));
        }
    }
}

/// Takes the body from an answer that has none on the wire (HEAD, 204, 304, 101), so that the application is not
/// held up by it; keeps the length that is announced all the same (RFC 9110, section 8.6). What is left of a body that
/// switches protocols is the tunnel.
fn withhold(answer: &mut Answer) -> Option<Box<Tunnel>> {
    let body = std::mem::take(&mut answer.body);
    if let Body::Full(bytes) = &body {
        answer.length.get_or_insert(bytes.len() as u64);
    }
    if matches!(answer.status.as_u16(), 100..200 | 204) {
        answer.length = None;
    }
    match body {
        Body::Tunnel(tunnel) => Some(tunnel),
        _ => None,
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
