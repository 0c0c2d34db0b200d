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
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;

use super::adapter;
use super::config::{MIN_BUFFER, Timeouts};
use super::current::Current;
use super::download::Watch;
use super::forwarded::Connected;
use super::idle::Idle;
use super::places::Place;
use super::service::Connection;
use super::socket::{ClientSocket, Patience, Times};
use crate::transport::{Notice, Stream};

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

/// What a new connection is given.
#[derive(Clone)]
pub struct Entry {
    /// What answers its requests.
    pub current: Arc<Current>,
    /// Given when its listener is closed.
    pub leave: Arc<Notice>,
}

/// Serves a connection until it ends. When it is to leave, nothing is lost: what is under way is finished, and a client
/// that was about to send a request is answered and told that it was the last one.
pub async fn serve(mut stream: Stream, entry: Entry, place: Place) {
    let Entry { current, leave } = entry;
    let connected = Connected::new(stream.peer_addr(), stream.local_addr());
    let settings = Settings::of(&current.service().config);
    let times = settings.timeouts;
    let first = tokio::select! {
        first = tokio::time::timeout(times.head, peek(&mut stream)) => first,
        () = silent(&leave, times.grace) => return,
    };
    let Ok(Ok((prefix, http2))) = first else { return };
    let patience = Patience::default();
    let times = Times {
        head: (!http2).then_some(times.head),
        send: times.send,
        half_close: times.half_close,
    };
    let socket = ClientSocket::new(stream, prefix.freeze(), patience.clone(), times);
    let connection = Arc::new(Connection::new(connected, patience, leave, place));
    let watch = settings
        .download_grace
        .map(|grace| Watch::new(connection.clone(), grace));
    let serving = async {
        if http2 {
            serve_http2(socket, current, connection, settings).await;
        } else {
            serve_http1(socket, current, connection, settings).await;
        }
    };
    match watch {
        Some(watch) => watch.over(serving).await,
        None => serving.await,
    }
}

/// What a connection keeps of the configuration that was in force when it was accepted. Not all of it: who holds a
/// service holds its upstreams.
#[derive(Clone, Copy)]
struct Settings {
    timeouts: Timeouts,
    head_size: usize,
    head_fields: usize,
    /// Only where a route has a least rate for answers.
    download_grace: Option<Duration>,
}

impl Settings {
    fn of(config: &super::Config) -> Self {
        Self {
            timeouts: config.timeouts,
            head_size: config.head_size,
            head_fields: config.head_fields,
            download_grace: config.download_grace(),
        }
    }
}

/// The end of the time in which a client that has sent nothing yet may still do so.
async fn silent(leave: &Notice, grace: Duration) {
    leave.given().await;
    tokio::time::sleep(grace).await;
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
    current: Arc<Current>,
    connection: Arc<Connection>,
    settings: Settings,
) {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .header_read_timeout(None)
        .max_buf_size(settings.head_size.max(MIN_BUFFER));
    // hyper's own limit costs nothing, any other an allocation per request.
    if settings.head_fields != super::Config::HEAD_FIELDS {
        builder.max_headers(settings.head_fields);
    }
    let (handler, on) = (current.clone(), connection.clone());
    let answer = service_fn(move |request| {
        let (service, connection) = (handler.service(), on.clone());
        // Now, and not when the answer is first worked on: hyper looks for the end of the stream in between.
        connection.patience.begin();
        async move { Ok::<_, Infallible>(adapter::answer(&service, &connection, request).await) }
    });
    let mut http = pin!(
        builder
            .serve_connection(TokioIo::new(socket), answer)
            .with_upgrades()
    );
    let asked = pin!(connection.leave.given());
    let end = farewell(&connection, asked, settings.timeouts.grace);
    if let Err(error) = until(http.as_mut(), end, |http| http.graceful_shutdown()).await {
        refused(&error, &current, &connection);
    }
}

/// A connection on which hyper answered by itself: what it could not parse never becomes a request.
fn refused(error: &hyper::Error, current: &Current, connection: &Arc<Connection>) {
    if error.is_parse() || error.is_parse_too_large() {
        tracing::debug!(peer = ?connection.connected.peer(), %error, "request refused by the parser");
        current.service().unparsed(connection, error.is_parse_too_large());
    }
}

async fn serve_http2(
    socket: ClientSocket,
    current: Arc<Current>,
    connection: Arc<Connection>,
    settings: Settings,
) {
    let head = settings.timeouts.head;
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(settings.head_size).unwrap_or(u32::MAX))
        .keep_alive_interval(head)
        .keep_alive_timeout(head);
    let on = connection.clone();
    let answer = service_fn(move |request| {
        let (service, connection) = (current.service(), on.clone());
        async move { Ok::<_, Infallible>(adapter::answer(&service, &connection, request).await) }
    });
    let mut http = pin!(builder.serve_connection(TokioIo::new(socket), answer));
    let mut asked = pin!(connection.leave.given());
    let mut leaving = Leaving::default();
    let mut idle = Idle::http2(connection.clone(), head);
    // At once: the two GOAWAYs lose nothing (RFC 9113, section 6.8).
    let end = |cx: &mut Context<'_>| match leaving.poll(&connection.leave, asked.as_mut(), cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => idle.poll(cx),
    };
    if let Err(error) = until(http.as_mut(), end, |http| http.graceful_shutdown()).await {
        tracing::debug!(%error, "HTTP/2 connection failed");
    }
}

/// When an HTTP/1 connection that is to leave may be hung up on. There is no way to tell a client that does not ask:
/// so it is when nothing has come for the grace. Who does ask is told with the answer.
fn farewell<'a>(
    connection: &'a Arc<Connection>,
    mut asked: Pin<&'a mut impl Future<Output = ()>>,
    grace: Duration,
) -> impl FnMut(&mut Context<'_>) -> Poll<()> + 'a {
    let mut leaving = Leaving::default();
    let mut quiet = Idle::http1(connection.clone(), grace);
    move |cx| {
        ready!(leaving.poll(&connection.leave, asked.as_mut(), cx));
        quiet.poll(cx)
    }
}

/// Whether the connection is to leave, for the price of a look at a flag.
#[derive(Default)]
struct Leaving {
    waits: bool,
}

impl Leaving {
    /// Registers the task once; its waker stays good.
    fn poll(
        &mut self,
        leave: &Notice,
        given: Pin<&mut impl Future<Output = ()>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if leave.is_given() {
            return Poll::Ready(());
        }
        if self.waits {
            return Poll::Pending;
        }
        self.waits = true;
        given.poll(cx)
    }
}

/// Drives a connection to its end; asks it once to end early.
async fn until<C: Future>(
    mut connection: Pin<&mut C>,
    mut end: impl FnMut(&mut Context<'_>) -> Poll<()>,
    ask: impl FnOnce(Pin<&mut C>),
) -> C::Output {
    let ended = poll_fn(|cx| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(ended));
        }
        end(cx).map(|()| None)
    })
    .await;
    match ended {
        Some(ended) => ended,
        None => {
            ask(connection.as_mut());
            connection.await
        }
    }
}

#[cfg(test)]
mod simulation;
