//! HTTP/1.1 backends, through hyper's client connection.
//!
//! The connection is driven by whoever waits for its answer: no task and no channel of ours per request.
//! Only an accepted upgrade gets a task, because it outlives its exchange.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, Uri, Version, header};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::unconstrained;

use super::config::{Config, Timeouts};
use super::error::Failure;
use super::half_open::{Awaited, HalfOpen, Written};
use super::pool::Slot;
use super::request_body::{BodyError, RequestBody};
use super::watched_body::WatchedBody;
use crate::protocol::fields::{FieldName, Fields, trim};
use crate::protocol::head::HeadError;
use crate::protocol::{DecodeError, RequestHead, ResponseHead, hop_by_hop};
use crate::transport::{Deadline, Stream};

/// hyper's connection, ready for an upgrade; its type has no name outside hyper.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection to an HTTP backend.
pub struct HttpConnection {
    sender: http1::SendRequest<WatchedBody>,
    /// `None` after the connection ended or was handed to a tunnel.
    driver: Option<Driver>,
    written: Written,
    /// The timer of the current exchange.
    deadline: Deadline,
    /// Largest response head, in bytes.
    head_size: usize,
}

/// A connection on which the backend has switched protocols. Occupies its slot as long as it exists.
pub struct Switched {
    upgraded: OnUpgrade,
    /// How long nothing may move in either direction: a peer that vanished must not keep the slot.
    pub silence: Duration,
    _slot: Slot<HttpConnection>,
}

/// The answer's body: owns the connection and its slot.
pub struct HttpBody {
    incoming: Incoming,
    lease: Option<(HttpConnection, Slot<HttpConnection>)>,
    read: Duration,
    waiting: bool,
}

/// A failed exchange, with the request's body when it was not touched.
pub struct NotAnswered {
    /// Why.
    pub failure: Failure,
    /// Whether any byte of the request was written.
    pub sent: bool,
    /// The body, when hyper did not touch it.
    pub body: Option<RequestBody>,
}

impl From<Failure> for NotAnswered {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            sent: true,
            body: None,
        }
    }
}

impl Switched {
    /// The connection's bytes, once hyper has handed them over; `None` when it broke before.
    pub async fn opened(&mut self) -> Option<impl AsyncRead + AsyncWrite + use<>> {
        (&mut self.upgraded).await.ok().map(TokioIo::new)
    }
}

impl HttpConnection {
    /// Prepares a fresh connection. Nothing is sent.
    pub async fn new(stream: Stream, config: &Config) -> Result<Self, Failure> {
        let written = Written::default();
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(config.head_size.max(MIN_BUFFER))
            .max_headers(config.head_fields)
            .handshake(TokioIo::new(HalfOpen::new(stream, written.clone())))
            .await?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver.with_upgrades())),
            written,
            deadline: Deadline::never(),
            head_size: config.head_size,
        })
    }

    /// Whether the peer took all of the last request and has not closed since.
    pub fn is_quiet(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        // In a task whose budget is used up every read is pending, whatever the peer did.
        let settle = poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(())
        });
        let _ = pin!(unconstrained(settle)).poll(&mut cx);
        self.driver.is_some() && self.sender.is_ready() && !self.written.refused()
    }

    /// Sends a request and waits for the answer's head.
    pub async fn exchange(
        &mut self,
        head: &RequestHead,
        body: RequestBody,
        timeouts: &Timeouts,
    ) -> Result<Response<Incoming>, NotAnswered> {
        let request = request(head, WatchedBody::new(body, self.written.clone()))?;
        self.written.begin();
        let mut sent = Box::pin(self.sender.try_send_request(request));
        self.deadline.clear();
        let mut noted = None;
        let (driver, written, deadline) = (&mut self.driver, &self.written, &mut self.deadline);
        let answer = poll_fn(|cx| {
            drive(driver, cx);
            if let Poll::Ready(answer) = sent.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            // Once more: the request was only handed to the driver by the poll above.
            drive(driver, cx);
            let awaited = written.awaited();
            if noted.replace(awaited) != Some(awaited) {
                match awaited.0 {
                    Awaited::Client => deadline.clear(),
                    Awaited::Taking => deadline.set(timeouts.send),
                    Awaited::Answer => deadline.set(timeouts.head),
                }
            }
            deadline.poll(cx).map(|()| None)
        })
        .await;
        match answer {
            Some(Ok(answer)) if size(&answer) > self.head_size => {
                Err(Failure::from(DecodeError::from(HeadError::TooLarge(self.head_size))).into())
            }
            Some(Ok(answer)) => {
                check_framing(answer.headers())?;
                Ok(answer)
            }
            Some(Err(mut error)) => {
                let body = error
                    .take_message()
                    .map(|request| request.into_body().into_inner());
                Err(NotAnswered {
                    failure: failure(error.into_error()),
                    sent: body.is_none() && self.written.any(),
                    body,
                })
            }
            None if self.written.awaited().0 == Awaited::Taking => Err(Failure::SendTimeout.into()),
            None => Err(Failure::HeadTimeout.into()),
        }
    }

    /// The connection behind an answer that switches protocols.
    pub fn switched(
        mut self,
        answer: &mut Response<Incoming>,
        slot: Slot<HttpConnection>,
        timeouts: &Timeouts,
    ) -> Switched {
        let upgraded = hyper::upgrade::on(answer);
        // Already at its end if it saw the whole answer; else it still has to hand the socket over.
        if let Some(driver) = self.driver.take() {
            tokio::spawn(driver);
        }
        Switched {
            upgraded,
            silence: timeouts.read,
            _slot: slot,
        }
    }

    /// The next piece of an answer's body, for whoever reads it without a slot; `None` at its end, good or bad.
    pub async fn next_piece(&mut self, body: &mut Incoming) -> Option<Bytes> {
        poll_fn(|cx| {
            loop {
                self.drive(cx);
                let mut frame = Pin::new(&mut *body).poll_frame(cx);
                if frame.is_pending() {
                    // Polling the body may have told the driver to read on.
                    self.drive(cx);
                    frame = Pin::new(&mut *body).poll_frame(cx);
                }
                match ready!(frame).map(|frame| frame.map(Frame::into_data)) {
                    Some(Ok(Ok(piece))) => return Poll::Ready(Some(piece)),
                    // Trailers.
                    Some(Ok(Err(_))) => {}
                    Some(Err(_)) | None => return Poll::Ready(None),
                }
            }
        })
        .await
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.driver, cx);
    }
}

/// hyper takes a transfer coding that it does not know for a body that ends with the connection, and a length next
/// to chunks for no harm: the client would get either as if it were something else (RFC 9112, section 6.3).
fn check_framing(headers: &HeaderMap) -> Result<(), Failure> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let plain = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(only), None) => {
            only.as_bytes().eq_ignore_ascii_case(b"chunked") && !headers.contains_key(header::CONTENT_LENGTH)
        }
        (Some(_), Some(_)) => false,
    };
    match plain {
        true => Ok(()),
        false => Err(DecodeError::Head(HeadError::TransferEncoding).into()),
    }
}

/// Whose fault it was: hyper reports what the client's body did as an error of its own.
fn failure(error: hyper::Error) -> Failure {
    let body = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<BodyError>());
    match body {
        Some(cause) => Failure::RequestBody(cause.copy()),
        None => error.into(),
    }
}

fn drive(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && running.as_mut().poll(cx).is_ready()
    {
        // Errors reach the exchange through its answer.
        *driver = None;
    }
}

impl HttpBody {
    /// The body of an answer, with what it came over.
    pub fn new(
        incoming: Incoming,
        connection: HttpConnection,
        slot: Slot<HttpConnection>,
        timeouts: &Timeouts,
    ) -> Self {
        let mut body = Self {
            incoming,
            lease: Some((connection, slot)),
            read: timeouts.read,
            waiting: false,
        };
        if body.incoming.is_end_stream() {
            body.finish();
        }
        body
    }

    /// Closes the connection of an answer that broke.
    fn give_up(&mut self) {
        if let Some((connection, mut slot)) = self.lease.take() {
            drop(connection);
            slot.broken();
        }
    }

    /// Keeps the connection if it can serve another exchange.
    fn finish(&mut self) {
        let Some((mut connection, slot)) = self.lease.take() else {
            return;
        };
        // hyper settles its state on the next poll.
        if connection.is_quiet() {
            slot.keep(connection);
        } else {
            // Before the slot: the worker is free when the connection is closed.
            drop(connection);
        }
    }

    /// The next bytes.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        loop {
            if let Some((connection, _)) = &mut self.lease {
                connection.drive(cx);
            }
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.waiting = false;
                    // Whoever has the announced length asks for no more.
                    if self.incoming.is_end_stream() {
                        self.finish();
                    }
                    // Trailers of the backend end here.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(_))) => {
                    self.give_up();
                    return Poll::Ready(Some(Err(DecodeError::Truncated.into())));
                }
                Poll::Ready(None) => {
                    self.finish();
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    let Some((connection, _)) = &mut self.lease else {
                        // Nobody is left who could bring more.
                        return Poll::Ready(Some(Err(DecodeError::Truncated.into())));
                    };
                    // Polling the body may have told the driver to read on.
                    connection.drive(cx);
                    if !self.waiting {
                        self.waiting = true;
                        connection.deadline.set(self.read);
                    }
                    ready!(connection.deadline.poll(cx));
                    self.give_up();
                    return Poll::Ready(Some(Err(Failure::ReadTimeout)));
                }
            }
        }
    }

    /// Whether all of it was given out and the worker is free.
    pub(super) fn is_over(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// Bytes still to be given out, when their number is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// Longest time between two reads.
    pub(super) fn read_timeout(&self) -> Duration {
        self.read
    }
}

/// The request as hyper wants it: origin form, our framing.
fn request<B>(head: &RequestHead, body: B) -> Result<http::Request<B>, Failure> {
    let mut request = http::Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = Uri::from_maybe_shared(head.target.to_bytes())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = HeaderMap::from(&fields(head));
    Ok(request)
}

/// The fields that a backend gets: end-to-end, our framing, and who the client is.
pub(super) fn fields(head: &RequestHead) -> Fields {
    let mut fields = head.fields.clone();
    match head.content_length {
        Some(length) => fields.set_number(FieldName::ContentLength, length),
        None => _ = fields.remove(FieldName::ContentLength),
    }
    if head.chunked {
        fields.set(FieldName::TransferEncoding, "chunked");
    }
    join_cookies(&mut fields);
    forward(head, &mut fields);
    fields
}

/// Tells the application who the client is.
fn forward(head: &RequestHead, fields: &mut Fields) {
    let forwarding = head.forwarding();
    let told = [
        (FieldName::XForwardedFor, forwarding.chain),
        (FieldName::XRealIp, forwarding.ip.map(str::as_bytes)),
        (FieldName::XForwardedHost, forwarding.host),
        (FieldName::XForwardedProto, Some(forwarding.proto.as_bytes())),
    ];
    for (name, value) in told {
        if let Some(value) = value {
            fields.try_set(name, value);
        }
    }
}

/// HTTP/2 splits cookies for its compression; HTTP/1.1 wants one field (RFC 9113, section 8.2.3).
fn join_cookies(fields: &mut Fields) {
    if fields.repeated().contains(FieldName::Cookie) {
        let crumbs: Vec<_> = fields.all(FieldName::Cookie).collect();
        let joined = crumbs.join(&b"; "[..]);
        fields.try_set(FieldName::Cookie, &joined);
    }
}

/// The head of an answer, without what concerns the backend's connection.
pub(super) fn response_head(answer: &Response<Incoming>) -> ResponseHead {
    let mut fields = Fields::from(answer.headers());
    let upgrade = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    let protocol = fields.to_bytes(FieldName::Upgrade).filter(|_| upgrade);
    let length = fields.get(FieldName::ContentLength).and_then(number);
    let close = fields.connection_has("close");
    hop_by_hop::strip(&mut fields);
    fields.remove(FieldName::ContentLength);
    if let Some(protocol) = protocol {
        fields.try_set(FieldName::Upgrade, &protocol);
    }
    ResponseHead {
        status: answer.status(),
        fields,
        length,
        upgrade,
        close,
        chunked: false,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether the backend switched protocols although nobody asked it to, or to another one than it was asked.
pub fn unrequested_switch(head: &RequestHead, answer: &Response<Incoming>) -> bool {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return false;
    }
    let wanted = head.fields.get(FieldName::Upgrade).filter(|_| head.upgrade);
    let chosen = answer.headers().get(header::UPGRADE);
    let chosen = chosen.map_or(&b""[..], |chosen| trim(chosen.as_bytes()));
    let mut offered = wanted.unwrap_or_default().split(|byte| *byte == b',');
    !offered.any(|offered| trim(offered).eq_ignore_ascii_case(chosen))
}

/// Bytes of an answer's head, give or take its status line. hyper bounds its buffer, not the head: one that came
/// in few reads may be larger.
fn size(answer: &Response<Incoming>) -> usize {
    let fields = answer.headers().iter();
    fields
        .map(|(name, value)| name.as_str().len() + value.len() + FIELD_EXTRA)
        .sum()
}

/// hyper's lower limit for its read buffer, in bytes.
const MIN_BUFFER: usize = 8 * 1024;

/// Colon, space and line end of a field.
const FIELD_EXTRA: usize = 4;
