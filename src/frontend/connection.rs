//! One client connection: HTTP/1 or HTTP/2, told apart, limited, and driven to its end.
//!
//! Where hyper 1.12 reads more than it must, and why that is harmless (reference, section 6.5; tests/gateway/http
//! shows it): a length beside chunks is dropped before we see it, the chunks count, and the connection ends with the
//! answer. LF alone ends a line of a head, everywhere, so that nobody is deceived; it never ends a chunk's line. A
//! chunk size may have leading zeros and blanks behind it. What hyper refuses by itself gets its bare 400, 414 or 431
//! without `Bridgehead-Error`; a head that does not come in time gets none, only the close.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;

use super::download::Watch;
use super::forwarded::Connected;
use super::idle::Idle;
use super::service::{Connection, Service};
use super::socket::{ClientSocket, Patience, Times};
use crate::transport::Stream;

/// What an HTTP/2 client with prior knowledge sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of the first read: the head of nearly every request.
const FIRST_READ: usize = 4 * 1024;

/// Streams of one HTTP/2 connection.
const STREAMS: u32 = 128;

/// Receive window of an HTTP/2 stream, in bytes: small, as uploads wait in our spool and not in hyper.
const STREAM_WINDOW: u32 = 64 * 1024;

/// Receive window of an HTTP/2 connection, in bytes.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Bytes of an answer that wait in hyper until an HTTP/2 client takes them, for each stream.
const SEND_BUFFER: usize = 64 * 1024;

/// Serves a connection until it ends, or gracefully to the end of what is under way when `stop` says so.
pub async fn serve(mut stream: Stream, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let counters = service.counters.clone();
    let _open = counters.connections_open.open();
    counters.connections.add(1);
    let connected = Connected::new(
        stream.peer_addr(),
        stream.local_addr(),
        &service.config.trusted_proxies,
    );
    let first = tokio::select! {
        first = tokio::time::timeout(service.config.timeouts.head, peek(&mut stream)) => first,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    let Ok(Ok((prefix, http2))) = first else { return };
    let patience = Patience::default();
    let times = Times {
        head: (!http2).then_some(service.config.timeouts.head),
        send: service.config.timeouts.send,
        half_close: service.config.timeouts.half_close,
    };
    let socket = ClientSocket::new(stream, prefix.freeze(), patience.clone(), times);
    let connection = Arc::new(Connection::new(connected, patience));
    if http2 {
        serve_http2(socket, service, connection, stop).await;
    } else {
        serve_http1(socket, service, connection, stop).await;
    }
}

/// Reads until the bytes are, or can no longer become, an HTTP/2 preface.
async fn peek(stream: &mut Stream) -> io::Result<(BytesMut, bool)> {
    let mut bytes = BytesMut::with_capacity(FIRST_READ);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let common = bytes
            .iter()
            .zip(PREFACE)
            .take_while(|(one, other)| one == other)
            .count();
        if common == PREFACE.len() {
            return Ok((bytes, true));
        }
        if common < bytes.len() {
            return Ok((bytes, false));
        }
    }
}

async fn serve_http1(
    socket: ClientSocket,
    service: Arc<Service>,
    connection: Arc<Connection>,
    stop: watch::Receiver<bool>,
) {
    let config = &service.config;
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .header_read_timeout(None)
        .max_buf_size(config.send_buffer());
    // hyper's own limit costs nothing, any other an allocation per request.
    if config.head_fields != super::Config::HEAD_FIELDS {
        builder.max_headers(config.head_fields);
    }
    let (handler, on) = (service.clone(), connection.clone());
    let answer = service_fn(move |request| {
        let (service, connection) = (handler.clone(), on.clone());
        // Now, and not when the answer is first worked on: hyper looks for the end of the stream in between.
        connection.patience.begin();
        async move { Ok::<_, Infallible>(service.handle(request, &connection).await) }
    });
    let mut http = pin!(
        builder
            .serve_connection(TokioIo::new(socket), answer)
            .with_upgrades()
    );
    let clocks = Clocks::new(&connection, config);
    let ended = until(stop, clocks, http.as_mut(), |http| http.graceful_shutdown()).await;
    if let Some(Err(error)) = ended {
        service.refused(&error, &connection);
    }
}

async fn serve_http2(
    socket: ClientSocket,
    service: Arc<Service>,
    connection: Arc<Connection>,
    stop: watch::Receiver<bool>,
) {
    let config = &service.config;
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(config.head_size).unwrap_or(u32::MAX))
        .keep_alive_interval(config.timeouts.head)
        .keep_alive_timeout(config.timeouts.head);
    let (handler, on) = (service.clone(), connection.clone());
    let answer = service_fn(move |request| {
        let (service, connection) = (handler.clone(), on.clone());
        async move { Ok::<_, Infallible>(service.handle(request, &connection).await) }
    });
    let mut http = pin!(builder.serve_connection(TokioIo::new(socket), answer));
    let mut clocks = Clocks::new(&connection, config);
    clocks.idle = Some(Idle::new(connection, config.timeouts.head));
    let ended = until(stop, clocks, http.as_mut(), |http| http.graceful_shutdown()).await;
    if let Some(Err(error)) = ended {
        tracing::debug!(%error, "HTTP/2 connection failed");
    }
}

/// What ends a connection from outside.
struct Clocks {
    idle: Option<Idle>,
    /// Only where a route has a least rate.
    watch: Option<Watch>,
}

/// What is to become of a connection.
enum Event<T> {
    /// It has ended.
    Ended(T),
    /// It is to end with what is under way.
    Asked,
    /// It is to end now.
    Cut,
}

impl Clocks {
    fn new(connection: &Arc<Connection>, config: &super::Config) -> Self {
        let watch = config.download_grace();
        Self {
            idle: None,
            watch: watch.map(|grace| Watch::new(connection.clone(), grace)),
        }
    }

    fn poll<T>(&mut self, cx: &mut Context<'_>) -> Poll<Event<T>> {
        if self.watch.as_mut().is_some_and(|watch| watch.poll(cx).is_ready()) {
            return Poll::Ready(Event::Cut);
        }
        match self.idle.as_mut().is_some_and(|idle| idle.poll(cx).is_ready()) {
            true => Poll::Ready(Event::Asked),
            false => Poll::Pending,
        }
    }
}

/// Drives a connection to its end; asks it once to end early. `None`: it was cut.
async fn until<C: Future>(
    mut stop: watch::Receiver<bool>,
    mut clocks: Clocks,
    mut connection: std::pin::Pin<&mut C>,
    ask: impl FnOnce(std::pin::Pin<&mut C>),
) -> Option<C::Output> {
    let asked = stop.clone();
    let mut stop = pin!(stop.wait_for(|stop| *stop));
    let mut watching = false;
    let event = poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Event::Ended(ended));
        }
        if let Poll::Ready(event) = clocks.poll(cx) {
            return Poll::Ready(event);
        }
        // The task's waker stays registered: one look at the flag tells who woke us.
        if watching && !*asked.borrow() {
            return Poll::Pending;
        }
        watching = true;
        stop.as_mut().poll(cx).map(|_| Event::Asked)
    })
    .await;
    match event {
        Event::Ended(ended) => return Some(ended),
        Event::Cut => return None,
        Event::Asked => ask(connection.as_mut()),
    }
    clocks.idle = None;
    poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(Some(ended)),
        // Idle no more: what can come is the cut.
        Poll::Pending => clocks.poll::<()>(cx).map(|_| None),
    })
    .await
}
