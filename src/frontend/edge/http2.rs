//! HTTP/2 with one client, spoken by hyper: what it takes and gives, and what the gateway does.
//!
//! Each stream runs in a task of its own, which a [`StreamPace`] can end: hyper resets the stream of a task that ends.

mod budget;
mod closing;
mod end;
mod frames;
mod meter;
mod metered;
mod paces;
mod stream_pace;
mod window;

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Method, Response, Uri, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::Instant;

use super::in_force::InForce;
use super::reader::Reader;
use super::settings::Settings;
use super::socket::Socket;
use super::watch::Watch;
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
use crate::frontend::violation::Violation;
use crate::protocol::Target;
use crate::protocol::fields::Fields;
use crate::protocol::http1::{self, Limits, RequestError, Rule};
use crate::protocol::target::TargetError;
use crate::spool::Share;
use crate::upstream::{BodyError, Streaming};
use closing::Closing;
use end::End;
use meter::{FrameMeter, Refused};
use metered::{Metered, SharedMeter, lock};
use stream_pace::StreamPace;
use window::ReceiveWindow;

/// Streams of one connection.
const STREAMS: u32 = 128;

/// Receive window of a stream, in bytes: small, as uploads wait in our spool and not in hyper.
const STREAM_WINDOW: u32 = 64 * 1024;

/// Receive window of a connection, in bytes.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Receive window of a stream of a connection that begins while `spool.memory` is used up, in bytes.
const LEAST_STREAM_WINDOW: u32 = 16 * 1024;

/// Receive window that every connection has at first, in bytes (RFC 9113, section 6.9.2).
const FIRST_WINDOW: u32 = 65_535;

/// Bytes of an answer that wait in hyper until the client takes them, for each stream.
const SEND_BUFFER: usize = 16 * 1024;

/// Bytes of a file that are read at a time for a client that takes them.
const FILE_PIECE: usize = 256 * 1024;

/// Streams that a client may reset before hyper has looked at them: the meter passes on fewer frames at a time, and has a
/// limit of its own.
const PENDING_RESETS: usize = 128;

/// How long nothing may come from a client that broke a rule, and may still be told.
const SILENCE: Duration = Duration::from_secs(5);

/// Serves a connection whose client has sent the preface.
pub(super) async fn serve(
    reader: Reader,
    writer: Writer,
    settings: InForce,
    current: Arc<Current>,
    connection: Arc<Connection>,
) {
    let http2 = Http2::new(settings, current, connection);
    let mut socket = http2.metered(Socket::new(reader, writer, true));
    http2.run(&mut socket).await;
    if http2.connection.is_cut() {
        return;
    }
    http2.closing().run(socket.into_inner()).await;
}

/// One connection.
struct Http2 {
    /// What the library was told when the connection began.
    settings: InForce,
    current: Arc<Current>,
    connection: Arc<Connection>,
    meter: SharedMeter,
    window: Arc<ReceiveWindow>,
    windows: Windows,
    /// Requests that came from hyper.
    accepted: Arc<AtomicU64>,
}

/// Receive windows, in bytes.
#[derive(Clone, Copy)]
struct Windows {
    stream: u32,
    connection: u32,
}

impl Http2 {
    fn new(settings: InForce, current: Arc<Current>, connection: Arc<Connection>) -> Self {
        let share = current.service().context.relays.spools().share();
        let windows = Windows::beside(&share);
        let raise = windows.connection - FIRST_WINDOW;
        let window = Arc::new(ReceiveWindow::new(share, raise));
        let meter = FrameMeter::new(largest_head(&settings), window.clone(), Instant::now());
        Self {
            settings,
            current,
            connection,
            meter: Arc::new(Mutex::new(meter)),
            window,
            windows,
            accepted: Arc::default(),
        }
    }

    /// The client's stream, as hyper is to see it.
    fn metered(&self, socket: Socket) -> Metered<Socket> {
        let connection = self.connection.clone();
        // Before the streams end, whose log lines say so.
        let told = move |violation: Violation| connection.violated(violation.reason());
        Metered::new(socket, self.meter.clone(), Box::new(told))
    }

    /// Serves requests until there is nothing left to do.
    async fn run(&self, socket: &mut Metered<Socket>) {
        let (current, connection) = (self.current.clone(), self.connection.clone());
        let (window, accepted) = (self.window.clone(), self.accepted.clone());
        let service = service_fn(move |request: http::Request<_>| {
            accepted.fetch_add(1, Ordering::Relaxed);
            let (service, connection) = (current.service(), connection.clone());
            let request = request.map(|body| Incoming(body, window.clone()));
            async move { Ok::<_, Infallible>(answer(&service, &connection, request).await) }
        });
        let builder = self.builder();
        let mut driver = pin!(builder.serve_connection(TokioIo::new(socket), service));
        let mut news = pin!(self.connection.leave.news());
        let mut end = End::new(&self.connection, InForce::new(&self.current));
        let mut watch = Watch::default();
        let ended = poll_fn(|cx| {
            loop {
                let polled = driver.as_mut().poll(cx);
                let (refused, head) = self.look();
                self.tell_refused(&refused);
                if polled.is_ready() {
                    return polled;
                }
                end.renew(&self.current);
                if end.poll_head(head, cx).is_ready() {
                    lock(&self.meter).give_up();
                    return Poll::Ready(Ok(()));
                }
                if end.poll_rest(cx).is_ready() || watch.poll(&self.connection, cx).is_ready() {
                    return Poll::Ready(Ok(()));
                }
                // At once: the two GOAWAYs lose nothing (RFC 9113, section 6.8).
                ready!(end.poll_leave(&self.connection, news.as_mut(), cx));
                driver.as_mut().graceful_shutdown();
            }
        });
        match ended.await {
            Ok(()) => lock(&self.meter).stopped(self.accepted.load(Ordering::Relaxed)),
            Err(error) => tracing::debug!(%error, "HTTP/2 connection failed"),
        }
        self.tell_violation();
    }

    /// The heads that the library has refused since the last look, and the one that is being received. The next turn
    /// begins: hyper reads again for each request that it takes, without a pause.
    fn look(&self) -> (Refused, Option<u64>) {
        let mut meter = lock(&self.meter);
        meter.pause();
        let refused = meter.refusals(self.accepted.load(Ordering::Relaxed));
        (refused, meter.unfinished_head())
    }

    /// Says which heads the library has refused without asking us.
    fn tell_refused(&self, refused: &Refused) {
        for _ in 0..refused.too_large {
            self.refuse(&Rejection::Request(Box::new(Rule::TooLarge.into())));
        }
        for _ in 0..refused.malformed {
            self.refuse(&Rejection::Malformed);
        }
    }

    /// Says why the connection ends, if a rule was broken.
    fn tell_violation(&self) {
        let violation = lock(&self.meter).violation();
        if let Some(violation) = violation {
            self.connection.violated(violation.reason());
            self.refuse(&Rejection::Violation(violation));
        }
    }

    /// Counts and logs what no request came of.
    fn refuse(&self, rejection: &Rejection) {
        let request = Request {
            version: Version::HTTP_2,
            ..Request::unparsed()
        };
        let service = self.current.service();
        let exchange = Exchange::new(&service.context, &self.connection, request);
        drop(serve::refuse(exchange, rejection));
    }

    fn builder(&self) -> Builder<StreamTasks> {
        let mut builder = Builder::new(StreamTasks {
            current: self.current.clone(),
            meter: self.meter.clone(),
        });
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(self.windows.stream)
            .initial_connection_window_size(self.windows.connection)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(u32::try_from(largest_head(&self.settings)).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .keep_alive_interval(self.settings.timeouts.h2_ping)
            .keep_alive_timeout(self.settings.timeouts.h2_ping);
        builder
    }

    /// How it ends.
    fn closing(&self) -> Closing {
        let settings = InForce::new(&self.current);
        let (meter, timeouts) = (lock(&self.meter), &settings.timeouts);
        Closing {
            farewell: meter.farewell(),
            limit: timeouts.linger,
            silence: match meter.violation() {
                Some(_) => SILENCE,
                None => timeouts.grace,
            },
            discard: settings.discard,
        }
    }
}

impl Windows {
    /// Those of a connection that begins now.
    fn beside(share: &Share) -> Self {
        match share.is_spent() {
            true => Self {
                stream: LEAST_STREAM_WINDOW,
                connection: FIRST_WINDOW,
            },
            false => Self {
                stream: STREAM_WINDOW,
                connection: CONNECTION_WINDOW,
            },
        }
    }
}

/// The largest head that hyper takes: above the limit that is ours, so that a head between the two is refused with a
/// reason and a line in the log.
fn largest_head(settings: &Settings) -> usize {
    2 * settings.head_size
}

/// Runs streams, each in a task of its own.
#[derive(Clone)]
struct StreamTasks {
    current: Arc<Current>,
    meter: SharedMeter,
}

impl<F> Executor<F> for StreamTasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let limit = self.current.service().edge.timeouts.send;
        let pace = Arc::<StreamPace>::default();
        lock(&self.meter).begun(pace.clone());
        tokio::spawn(stream_pace::watched(stream, pace, limit));
    }
}

/// Answers a request of hyper's.
async fn answer(
    service: &Arc<Service>,
    connection: &Arc<Connection>,
    request: http::Request<Incoming>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (request, rejection) = self::request(parts, service.edge.head());
    let exchange = Exchange::new(&service.context, connection, request);
    let exchange = match rejection {
        None => match serve::begin(service, exchange, || body) {
            Begun::Answered(exchange) => exchange,
            Begun::Forwarded(answer) => answer.await,
        },
        Some(rejection) => serve::refuse(exchange, &rejection),
    };
    if exchange.is_unanswered() {
        StreamPace::of_task().end();
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
        pace: StreamPace::of_task(),
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
struct Incoming(hyper::body::Incoming, Arc<ReceiveWindow>);

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
                self.1.taken(data.len());
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
