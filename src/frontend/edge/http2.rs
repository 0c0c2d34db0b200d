//! HTTP/2 with one client, spoken by hyper: what it takes and gives, and what the gateway does.
//!
//! Each stream runs in a task of its own, which a [`StreamPace`] can end: hyper resets the stream of a task that ends.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method, Response, Uri};
use http_body::{Body as _, Frame, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::idle::Idle;
use super::leaving::Leaving;
use super::reader::Reader;
use super::settings::Settings;
use super::socket::Socket;
use super::writer::Writer;
use crate::frontend::broken::Broken;
use crate::frontend::connection::Connection;
use crate::frontend::current::Current;
use crate::frontend::exchange::Exchange;
use crate::frontend::rejection::Rejection;
use crate::frontend::request::Request;
use crate::frontend::serve::{self, Begun};
use crate::frontend::service::Service;
use crate::frontend::upload;
use crate::protocol::Target;
use crate::protocol::fields::Fields;
use crate::protocol::http1::{self, Limits, RequestError, Rule};
use crate::protocol::target::TargetError;
use crate::spool::Share;
use crate::transport::Deadline;
use crate::upstream::{BodyError, Streaming};

/// Streams of one connection.
const STREAMS: u32 = 128;

/// Receive window of a stream, in bytes: small, as uploads wait in our spool and not in hyper.
const STREAM_WINDOW: u32 = 64 * 1024;

/// Receive window of a connection, in bytes.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Bytes of an answer that wait in hyper until the client takes them, for each stream.
const SEND_BUFFER: usize = 16 * 1024;

/// Bytes of a file that are read at a time for a client that takes them.
const FILE_PIECE: usize = 256 * 1024;

/// Serves a connection whose client has sent the preface.
pub(super) async fn serve(
    reader: Reader,
    writer: Writer,
    settings: Arc<Settings>,
    current: Arc<Current>,
    connection: Arc<Connection>,
) {
    let limits = Limits {
        size: settings.head_size,
        fields: settings.head_fields,
    };
    let on = connection.clone();
    let service = service_fn(move |request| {
        let (service, connection) = (current.service(), on.clone());
        async move { Ok::<_, Infallible>(answer(&service, &connection, request, limits).await) }
    });
    let socket = TokioIo::new(Socket::new(reader, writer, true));
    let mut driver = pin!(builder(&settings).serve_connection(socket, service));
    let mut news = pin!(connection.leave.news());
    let mut leaving = Leaving::default();
    let mut idle = Idle::new(connection.clone(), settings.timeouts.idle);
    let ended = poll_fn(|cx| {
        if let Poll::Ready(ended) = driver.as_mut().poll(cx) {
            return Poll::Ready(Some(ended));
        }
        // At once: the two GOAWAYs lose nothing (RFC 9113, section 6.8).
        match leaving.poll_ready(&connection.leave, news.as_mut(), cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => idle.poll(cx).map(|()| None),
        }
    });
    let ended = match ended.await {
        Some(ended) => ended,
        None => {
            driver.as_mut().graceful_shutdown();
            driver.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "HTTP/2 connection failed");
    }
}

fn builder(settings: &Settings) -> Builder<StreamTasks> {
    let executor = StreamTasks {
        limit: settings.timeouts.send,
    };
    let mut builder = Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        // Above the limit that is ours, so that a head between the two is refused with a reason and a line in the log.
        .max_header_list_size(u32::try_from(2 * settings.head_size).unwrap_or(u32::MAX))
        .keep_alive_interval(settings.timeouts.h2_ping)
        .keep_alive_timeout(settings.timeouts.h2_ping);
    builder
}

/// Runs streams, each in a task of its own.
#[derive(Clone, Copy)]
struct StreamTasks {
    /// `timeouts.send`.
    limit: Duration,
}

impl<F> Executor<F> for StreamTasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let pace = Arc::new(StreamPace::default());
        tokio::spawn(STREAM.scope(pace.clone(), watched(stream, pace, self.limit)));
    }
}

tokio::task_local! {
    /// Of the stream that the task runs.
    static STREAM: Arc<StreamPace>;
}

/// Whether a stream waits for its client. PINGs and windows of other streams say nothing about that.
#[derive(Debug, Default)]
struct StreamPace {
    /// The client was given bytes and has not taken enough of them to be given more.
    waits: AtomicBool,
    /// How often it took some.
    taken: AtomicUsize,
    /// It gets no answer.
    ended: AtomicBool,
}

impl StreamPace {
    fn given(&self) {
        self.waits.store(true, Ordering::Relaxed);
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    fn taken(&self) {
        self.waits.store(false, Ordering::Relaxed);
        self.taken.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs a stream until it ends, or is to end without an answer, or its client has taken nothing for too long: then it is
/// dropped, and with it what it holds. hyper resets the stream.
fn watched<F>(stream: F, pace: Arc<StreamPace>, limit: Duration) -> impl Future<Output = ()> + Send + 'static
where
    F: Future<Output: Send> + Send + 'static,
{
    // Boxed: else it is copied into the task, and is there twice.
    let mut stream = Box::pin(stream);
    let mut deadline = Deadline::never();
    let mut seen = 0;
    poll_fn(move |cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !pace.waits.load(Ordering::Relaxed) {
            deadline.clear();
            return match pace.ended.load(Ordering::Relaxed) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            };
        }
        let taken = pace.taken.load(Ordering::Relaxed);
        if !deadline.is_set() || taken != seen {
            deadline.set(limit);
            seen = taken;
        }
        deadline.poll(cx)
    })
}

/// Answers a request of hyper's.
async fn answer(
    service: &Arc<Service>,
    connection: &Arc<Connection>,
    request: http::Request<hyper::body::Incoming>,
    limits: Limits,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (request, rejection) = self::request(parts, limits);
    let exchange = Exchange::new(&service.context, connection, request);
    let exchange = match rejection {
        None => match serve::begin(service, exchange, || Incoming(body)) {
            Begun::Answered(exchange) => exchange,
            Begun::Forwarded(answer) => answer.await,
        },
        Some(rejection) => serve::refuse(exchange, &rejection),
    };
    if exchange.is_unanswered() {
        let _ = STREAM.try_with(|pace| pace.end());
        // With the task, the exchange ends.
        return pending().await;
    }
    response(exchange, service.context.relays.spools().share())
}

/// The head of a request; and why it is refused, if it is.
fn request(parts: Parts, limits: Limits) -> (Request, Option<Rejection>) {
    let target = match parts.method {
        // Has no target that matters.
        Method::CONNECT => Ok(Target::from_static("*")),
        _ => target(&parts.uri),
    };
    let authority = parts.uri.authority();
    let mut request = Request {
        target: Target::from_static("*"),
        authority: authority.map(|authority| Bytes::copy_from_slice(authority.as_str().as_bytes())),
        version: parts.version,
        fields: Fields::from(&parts.headers),
        method: parts.method,
    };
    let Ok(target) = target else {
        return (request, Some(Rejection::Target));
    };
    request.target = target;
    let broken = rule(&request, limits);
    (request, broken.map(|error| Rejection::Request(Box::new(error))))
}

/// `:path`, of the schemes that a target in absolute form may have in HTTP/1, too. h2 lets any scheme through, an empty one
/// among them, and gives none up without an authority.
fn target(uri: &Uri) -> Result<Target, TargetError> {
    let is_spoken = |scheme: &str| {
        ["http", "https"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
    };
    if !uri.scheme_str().is_none_or(is_spoken) {
        return Err(TargetError::Form);
    }
    let text = uri.path_and_query().map_or("/", |target| target.as_str());
    Target::from_bytes(Bytes::copy_from_slice(text.as_bytes()))
}

/// The rules of heads that hyper does not keep for us.
fn rule(request: &Request, limits: Limits) -> Option<RequestError> {
    let fields = &request.fields;
    if fields.len() > limits.fields {
        return Some(Rule::TooManyFields.into());
    }
    if fields.wire_len() + request.target.as_bytes().len() > limits.size {
        return Some(Rule::TooLarge.into());
    }
    http1::repeated(fields)
}

/// The answer as hyper wants it. `held` counts what it holds in memory.
fn response(exchange: Box<Exchange>, held: Share) -> Response<Body> {
    let status = exchange.status();
    let mut headers = HeaderMap::from(exchange.fields());
    if let Some(length) = exchange.length() {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    let mut body = Body {
        exchange,
        rest: Bytes::new(),
        held,
        taken: false,
        pace: STREAM.try_with(Arc::clone).unwrap_or_default(),
    };
    if !body.exchange.is_over() {
        // Its window may be closed before the first byte: the application is not to wait for that.
        body.exchange.detach();
        body.pace.given();
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The body of an answer.
struct Body {
    exchange: Box<Exchange>,
    /// What is left of a chunk that was too large for one frame.
    rest: Bytes,
    /// The chunk of which `rest` is left, as part of `spool.memory`.
    held: Share,
    /// The client has taken bytes of it.
    taken: bool,
    pace: Arc<StreamPace>,
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        this.pace.taken();
        if this.rest.is_empty() {
            this.held.set(0);
            this.exchange.in_pieces(this.piece());
            this.rest = match ready!(this.exchange.poll_chunk(cx)) {
                Some(Ok(chunk)) => chunk,
                Some(Err(broken)) => return Poll::Ready(Some(Err(broken))),
                None => return Poll::Ready(this.trailers().map(Ok)),
            };
            this.held.set(this.rest.len() as u64);
            this.taken = true;
        }
        let piece = this.rest.split_to(this.rest.len().min(SEND_BUFFER));
        this.pace.given();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.exchange.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self
            .exchange
            .remaining()
            .map(|length| length + self.rest.len() as u64);
        length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Body {
    /// What comes behind the body.
    fn trailers(&mut self) -> Option<Frame<Bytes>> {
        let trailers = self.exchange.take_trailers()?;
        Some(Frame::trailers(HeaderMap::from(&*trailers)))
    }

    /// Bytes of a file that are read next. hyper asks for the first ones whether the client has a window or not: a
    /// client that takes nothing, and one of too many, is to cost little.
    fn piece(&self) -> usize {
        match self.taken && !self.held.is_spent() {
            true => FILE_PIECE,
            false => SEND_BUFFER,
        }
    }
}

/// The body of a request.
struct Incoming(hyper::body::Incoming);

impl Streaming for Incoming {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                None if self.0.is_end_stream() => return Poll::Ready(None),
                // A stream or a connection that was reset with NO_ERROR is an end to hyper.
                None | Some(Err(_)) => return Poll::Ready(Some(Err(BodyError::Incomplete))),
            };
            // Trailers are dropped, as they must not become variables.
            if let Ok(data) = frame.into_data() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}

impl upload::Incoming for Incoming {
    fn is_over(&self) -> bool {
        self.0.is_end_stream()
    }
}
