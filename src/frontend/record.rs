//! What is remembered about one request, and the guard that logs it exactly once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, REFERER, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::{Body as _, Frame, SizeHint};

use super::body::{Body, Broken};
use super::download::Meter;
use super::pace::Rate;
use super::rejection::{Rejection, client_gone};
use super::respond;
use super::service::{Connection, Service};
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
    uri: Uri,
    version: Version,
    /// What the client wants to read, should the answer be an error of ours.
    accept: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
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
    /// `Content-Length` of an answer that has no body: hyper keeps the field for a body of that length alone. It
    /// never asks for such a body in HTTP/1, and would in HTTP/2.
    announced: Option<u64>,
    /// Bytes that the client is to get, when their number is known.
    expected: Option<u64>,
    ended: bool,
    /// Why it ended early, while the client has yet to get what came before.
    broken: Option<Broken>,
    /// How fast the client takes it, where it matters.
    meter: Option<Arc<Meter>>,
}

impl Record {
    /// A request whose head has just been read.
    pub fn begin<B>(service: &Arc<Service>, request: &Request<B>, connection: &Arc<Connection>) -> Box<Self> {
        service.counters.requests.add(1);
        connection.requests.begin();
        // Looked up only for a log that will have it.
        let is_on = service.log.is_on();
        let logged = |name| is_on.then(|| request.headers().get(name).cloned()).flatten();
        Box::new(Self {
            service: service.clone(),
            connection: connection.clone(),
            started: Instant::now(),
            id: RequestId(fastrand::u64(..)),
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            accept: request.headers().get(ACCEPT).cloned(),
            referer: logged(REFERER),
            user_agent: logged(USER_AGENT),
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

    /// A request that hyper answered with 400, 414 or 431 because it could not be parsed.
    pub fn unparsed(service: &Arc<Service>, connection: &Arc<Connection>, too_large: bool) {
        let mut record = Self::begin(service, &Request::new(()), connection);
        record.method = Method::from_bytes(b"-").unwrap_or_default();
        record.uri = Uri::from_static("*");
        record.status = if too_large {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        } else {
            StatusCode::BAD_REQUEST
        };
        record.reason = Some("bad_request");
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
    pub fn reject(&mut self, rejection: &Rejection) -> Response<Body> {
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
        respond::rejection(rejection, self.id, self.accept.as_ref())
    }

    /// The answer on its way to the client.
    pub fn answered(mut self: Box<Self>, mut response: Response<Body>) -> Response<Logged> {
        self.status = self.refused.unwrap_or(response.status());
        if self.ends_connection(response.status()) {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if !response.headers().contains_key(respond::ERROR) || self.trace.status.is_some() {
            self.reason = None;
        }
        let bodiless = self.method == Method::HEAD || matches!(self.status.as_u16(), 100..200 | 204 | 304);
        let announced = if bodiless { withhold(&mut response) } else { None };
        let http1 = self.version != Version::HTTP_2;
        response.map(|body| {
            let expected = body.size_hint().exact();
            let meter = self.least.map(|rate| self.connection.downloads.meter(rate));
            Logged {
                body,
                record: self,
                announced: announced.filter(|_| http1),
                expected,
                ended: false,
                broken: None,
                meter,
            }
        })
    }

    /// Whether the client is told to send nothing more on this connection. HTTP/2 has its own way to say so.
    fn ends_connection(&self, status: StatusCode) -> bool {
        let leaves = self.connection.leave.is_given() && status != StatusCode::SWITCHING_PROTOCOLS;
        (self.last || leaves) && self.version != Version::HTTP_2
    }

    fn log(&self) {
        let Ok(mut scratch) = self.connection.scratch.try_lock() else {
            return self.write(&mut Vec::new());
        };
        self.write(&mut scratch);
    }

    fn write(&self, scratch: &mut Vec<u8>) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let trace = &self.trace;
        let sent = trace.attempts > 0;
        let entry = Entry {
            time: SystemTime::now(),
            remote: self.connection.connected.peer().map(|peer| peer.ip()),
            method: self.method.as_str(),
            target: self
                .uri
                .path_and_query()
                .map_or(b"-", |target| target.as_str().as_bytes()),
            version: version(self.version),
            status: self.status.as_u16(),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            referer: self.referer.as_ref().map(HeaderValue::as_bytes),
            user_agent: self.user_agent.as_ref().map(HeaderValue::as_bytes),
            id: self.id.0,
            phases: Phases {
                total: micros(self.started.elapsed()),
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
        self.connection.patience.end();
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
        // Without chunks and without a length, a plain close would be a clean end.
        if record.version == Version::HTTP_10 && self.expected.is_none() {
            record.connection.patience.reset();
        }
    }

    /// Whether the client has got everything. hyper stops asking when the announced length is reached.
    fn is_complete(&self) -> bool {
        self.ended || self.expected == Some(self.record.response_bytes)
    }
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if let Some(broken) = this.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        if let Some(meter) = &this.meter {
            meter.taken();
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => this.sent(frame.data_ref().map_or(0, Bytes::len)),
            Some(Err(_)) | None => this.ended = true,
        }
        let Some(Err(broken)) = frame else {
            return Poll::Ready(frame);
        };
        this.broke_off(&broken);
        // hyper drops what it has not written when it hears of the failure: a pause, and it writes.
        this.broken = Some(broken);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.announced.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.announced {
            Some(length) => SizeHint::with_exact(length),
            None => self.body.size_hint(),
        }
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        if !self.is_complete() && !self.body.is_end_stream() {
            self.record.reason = self.record.reason.or_else(|| Some(self.gone()));
        }
    }
}

/// Takes the body from an answer that has none on the wire (HEAD, 204, 304, 101), so that the application is not
/// held up by it; gives the length that is announced all the same (RFC 9110, section 8.6).
fn withhold(response: &mut Response<Body>) -> Option<u64> {
    let body = std::mem::take(response.body_mut());
    let has_length = !matches!(response.status().as_u16(), 100..200 | 204);
    let headers = response.headers_mut();
    if !has_length {
        headers.remove(CONTENT_LENGTH);
        return None;
    }
    if let Body::Full(bytes) = body {
        headers.entry(CONTENT_LENGTH).or_insert(bytes.len().into());
    }
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
