//! One client connection, from its first byte to its last.
//!
//! Where a load balancer has to announce it, a connection begins with a `proxy_header`. Then
//! [`serve`] tells HTTP/1 from HTTP/2 by what the client sends first. `http1` is ours to the last byte; `http2` is
//! hyper's behind the same service, and the only file that knows it. A connection is in one explicit `state`, each of
//! which has its one deadline; exchanges have the deadlines of what they wait for.

mod date;
mod half_close;
mod http1;
mod http2;
mod idle;
mod incoming;
mod leaving;
mod proxy_header;
mod reader;
mod sending;
pub(super) mod settings;
#[cfg(test)]
mod simulation;
mod socket;
mod state;
mod watch;
mod writer;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::futures::Notified;

use super::connection::Connection;
use super::connection_limit::Permit;
use super::current::Current;
use super::forwarded::Connected;
use super::rejection::Rejection;
use crate::transport::{Accepted, Latch, Stream, WriteHalf};
use http1::Http1;
use leaving::Leaving;
use proxy_header::{Received, receive};
use reader::Reader;
use settings::Settings;
use state::{ConnectionState, Stage};
use watch::Watch;
use writer::Writer;

/// What an HTTP/2 client with prior knowledge sends first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a new connection is given.
#[derive(Clone)]
pub struct ConnectionContext {
    /// What answers its requests.
    pub current: Arc<Current>,
    /// Set when its listener is closed.
    pub leave: Arc<Latch>,
}

/// Serves a connection until it ends. When it is to leave, nothing is lost: what is under way is finished, and a client
/// that was about to send a request is answered and told that it was the last one.
pub fn serve(
    accepted: Accepted,
    context: ConnectionContext,
    permit: Permit,
) -> impl Future<Output = ()> + Send + 'static {
    // What the connection needs until its client has said what it speaks is in a box, and none of it in the task,
    // which lives as long as the connection and is to be small.
    let accepted = Box::new((accepted, context, permit));
    async move {
        let mut opened = Opened::plain(*accepted);
        let Some(protocol) = opened.detect().await else {
            return;
        };
        let http1 = match opened.serving(protocol) {
            Ok(http1) => http1,
            Err(serving) => return serving.await,
        };
        http1.serve().await;
    }
}

/// The same for a connection that its peer has to announce in a header of the PROXY protocol.
pub fn serve_announced(
    accepted: Accepted,
    context: ConnectionContext,
    permit: Permit,
) -> impl Future<Output = ()> + Send + 'static {
    let announced = Box::pin(Opened::announced(accepted, context, permit));
    async move {
        match announced.await {
            Some(Ok(opened)) => Box::pin(opened.answered()).await,
            Some(Err((opened, rejection))) => Box::pin(opened.turn_away(rejection)).await,
            None => {}
        }
    }
}

/// The rest of a connection, in a box.
type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection that was accepted.
struct Opened {
    reader: Reader,
    write: WriteHalf,
    connected: Connected,
    context: ConnectionContext,
    permit: Permit,
    settings: Arc<Settings>,
    stage: Stage,
    leaving: Leaving,
}

impl Opened {
    /// A connection that is its peer's own.
    fn plain((accepted, context, permit): (Accepted, ConnectionContext, Permit)) -> Box<Self> {
        let Accepted { stream, peer } = accepted;
        let connected = Connected::new(peer, stream.local_addr());
        Self::new(stream, BytesMut::new(), connected, context, permit)
    }

    /// A connection that its peer has to announce, once it has; or one that is to be turned away. `None`: there is no
    /// connection any more.
    async fn announced(
        accepted: Accepted,
        context: ConnectionContext,
        permit: Permit,
    ) -> Option<Result<Box<Self>, (Box<Self>, Rejection)>> {
        let Accepted { mut stream, peer } = accepted;
        let connected = Connected::new(peer, stream.local_addr());
        Some(match receive(&mut stream, &context, &connected).await? {
            Received::Header(header) => {
                let connected = connected.announced(header);
                Ok(Self::new(stream, BytesMut::new(), connected, context, permit))
            }
            Received::Wrong(error, bytes) => {
                let opened = Self::new(stream, bytes, connected, context, permit);
                Err((opened, Rejection::ProxyHeader(error)))
            }
        })
    }

    /// A connection of which `bytes` were read already.
    fn new(
        stream: Stream,
        bytes: BytesMut,
        connected: Connected,
        context: ConnectionContext,
        permit: Permit,
    ) -> Box<Self> {
        let (read, write) = stream.into_halves();
        Box::new(Self {
            reader: Reader::new(read, bytes),
            write,
            connected,
            settings: context.current.service().edge.clone(),
            context,
            permit,
            stage: Stage::new(),
            leaving: Leaving::default(),
        })
    }

    /// Reads until the bytes are, or can no longer become, an HTTP/2 preface; `None` when the client closes or says
    /// nothing.
    async fn detect(&mut self) -> Option<Protocol> {
        let leave = self.context.leave.clone();
        let mut news = pin!(leave.news());
        poll_fn(|cx| self.poll_detect(news.as_mut(), cx)).await
    }

    fn poll_detect(&mut self, news: Pin<&mut Notified<'_>>, cx: &mut Context<'_>) -> Poll<Option<Protocol>> {
        let timeouts = &self.settings.timeouts;
        loop {
            if let Some(protocol) = protocol(&self.reader.bytes) {
                return Poll::Ready(Some(protocol));
            }
            let state = match self.reader.bytes.is_empty() {
                true => ConnectionState::Idle,
                false => ConnectionState::Head,
            };
            self.stage.enter(state, timeouts);
            match self.reader.poll_fill(cx) {
                Poll::Ready(Ok(1..)) => continue,
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => {}
            }
            self.reader.park();
            if self.leaving.poll(&self.context.leave, news, cx) {
                self.stage.shorten(timeouts.grace);
            }
            return self.stage.poll_late(cx).map(|()| None);
        }
    }

    /// What most connections are; or another one, which is not to make their tasks larger.
    fn serving(self: Box<Self>, protocol: Protocol) -> Result<Box<Http1>, Serving> {
        match (protocol, self.settings.download_grace) {
            (Protocol::Http1, None) => {
                let (reader, writer, settings, current, connection) = self.begin();
                Ok(Http1::new(reader, writer, settings, current, connection))
            }
            (Protocol::Http1, Some(grace)) => Err(Box::pin(self.watched(grace))),
            (Protocol::Http2, grace) => Err(Box::pin(self.http2(grace))),
        }
    }

    /// Whatever it is.
    async fn answered(mut self: Box<Self>) {
        let Some(protocol) = self.detect().await else {
            return;
        };
        match self.serving(protocol) {
            Ok(http1) => http1.serve().await,
            Err(serving) => serving.await,
        }
    }

    /// Says why no request is read.
    async fn turn_away(self: Box<Self>, rejection: Rejection) {
        let (reader, writer, settings, current, connection) = self.begin();
        let http1 = Http1::new(reader, writer, settings, current, connection);
        http1.turn_away(rejection).await;
    }

    async fn watched(self: Box<Self>, grace: Duration) {
        let (reader, writer, settings, current, connection) = self.begin();
        let watch = Watch::new(connection.clone(), grace);
        let http1 = Http1::new(reader, writer, settings, current, connection);
        watch.over(http1.serve()).await;
    }

    async fn http2(self: Box<Self>, grace: Option<Duration>) {
        let (reader, writer, settings, current, connection) = self.begin();
        let serving = http2::serve(reader, writer, settings, current, connection.clone());
        match grace {
            Some(grace) => Box::pin(Watch::new(connection, grace).over(serving)).await,
            None => Box::pin(serving).await,
        }
    }

    /// Requests are about to come.
    fn begin(self: Box<Self>) -> (Reader, Writer, Arc<Settings>, Arc<Current>, Arc<Connection>) {
        let ConnectionContext { current, leave } = self.context;
        let connection = Arc::new(Connection::new(self.connected, leave, self.permit));
        let writer = Writer::new(self.write, self.settings.timeouts.send, connection.clone());
        (self.reader, writer, self.settings, current, connection)
    }
}

/// What a client speaks.
enum Protocol {
    Http1,
    Http2,
}

/// `None` as long as the bytes may be the beginning of a preface.
fn protocol(bytes: &[u8]) -> Option<Protocol> {
    let common = bytes
        .iter()
        .zip(PREFACE)
        .take_while(|(one, other)| one == other)
        .count();
    match common {
        _ if common == PREFACE.len() => Some(Protocol::Http2),
        _ if common < bytes.len() => Some(Protocol::Http1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tokio adds some 90 bytes and rounds up to 128: with more than this, every idle client would cost 128 more.
    const TASK: usize = 152;

    #[test]
    fn the_task_of_a_connection_is_small() {
        fn size<F>(_: fn(Accepted, ConnectionContext, Permit) -> F) -> usize {
            size_of::<F>()
        }
        assert!(size(serve) <= TASK, "{}", size(serve));
        assert!(size(serve_announced) <= TASK, "{}", size(serve_announced));
    }
}
