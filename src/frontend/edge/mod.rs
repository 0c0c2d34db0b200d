//! One client connection, from its first byte to its last.
//!
//! Where a load balancer has to announce it, or TLS is spoken, a connection begins with a `prologue`, in which both sides
//! may agree on a protocol; else [`serve`] tells HTTP/1 from HTTP/2 by what the client sends first. `http1` is ours to the last byte; `http2` drives
//! the library h2 behind the same service, and nothing else knows it. A connection is in one explicit `state`, each of
//! which has its one deadline; exchanges have the deadlines of what they wait for.

mod date;
mod half_close;
mod handshake;
mod http1;
mod http2;
mod idle;
mod in_force;
mod incoming;
mod leaving;
mod prologue;
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

use bytes::BytesMut;
use tokio::sync::futures::Notified;

use super::connection::Connection;
use super::connection_limit::Permit;
use super::current::Current;
use super::forwarded::Connected;
use super::listener_id::ListenerId;
use super::rejection::Rejection;
use crate::transport::{Accepted, Latch, Stream, WriteHalf};
pub use handshake::Securing;
use http1::Http1;
use in_force::InForce;
use leaving::Leaving;
pub use prologue::Prologue;
use reader::Reader;
use state::{ConnectionState, Stage};
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
    /// That listener.
    pub listener: Option<Arc<ListenerId>>,
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
        let Some(mut opened) = Opened::plain(*accepted) else {
            return;
        };
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

/// The same for a connection in front of whose first request something has to come.
pub fn serve_after(
    prologue: Prologue,
    accepted: Accepted,
    context: ConnectionContext,
    permit: Permit,
) -> impl Future<Output = ()> + Send + 'static {
    let passing = Box::pin(prologue.pass(accepted, context, permit));
    async move {
        match passing.await {
            Some(Ok(opened)) => opened.answered().await,
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
    settings: InForce,
    stage: Stage,
    leaving: Leaving,
    /// What the handshake says is spoken.
    agreed: Option<Protocol>,
}

impl Opened {
    /// A connection without a prologue.
    fn plain((accepted, context, permit): (Accepted, ConnectionContext, Permit)) -> Option<Box<Self>> {
        let Accepted { stream, peer } = accepted;
        let connected = Connected::new(peer, stream.local_addr());
        Self::new(stream, BytesMut::new(), connected, context, permit)
    }

    /// A connection of which `bytes` were read already; `None` when its directions do not part.
    fn new(
        stream: Stream,
        bytes: BytesMut,
        connected: Connected,
        context: ConnectionContext,
        permit: Permit,
    ) -> Option<Box<Self>> {
        let (read, write) = stream.into_halves().ok()?;
        Some(Box::new(Self {
            reader: Reader::new(read, bytes),
            write,
            connected,
            settings: InForce::new(&context.current, context.listener.as_ref()),
            context,
            permit,
            stage: Stage::new(),
            leaving: Leaving::default(),
            agreed: None,
        }))
    }

    /// Reads until the bytes are, or can no longer become, an HTTP/2 preface; `None` when the client closes or says
    /// nothing.
    async fn detect(&mut self) -> Option<Protocol> {
        let leave = self.context.leave.clone();
        let mut news = pin!(leave.news());
        poll_fn(|cx| self.poll_detect(news.as_mut(), cx)).await
    }

    fn poll_detect(&mut self, news: Pin<&mut Notified<'_>>, cx: &mut Context<'_>) -> Poll<Option<Protocol>> {
        loop {
            if let Some(protocol) = protocol(&self.reader.bytes) {
                return Poll::Ready(Some(protocol));
            }
            let state = match self.reader.bytes.is_empty() {
                true => ConnectionState::Idle,
                false => ConnectionState::Head,
            };
            self.stage.enter(state, self.settings.timeouts());
            match self.reader.poll_fill(cx) {
                Poll::Ready(Ok(1..)) => {
                    self.settings.renew(&self.context.current);
                    continue;
                }
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => {}
            }
            self.reader.park();
            if self.leaving.poll(&self.context.leave, news, cx) {
                self.stage.shorten(self.settings.grace);
            }
            return self.stage.poll_late(cx).map(|()| None);
        }
    }

    /// What most connections are; or another one, which is not to make their tasks larger.
    fn serving(self: Box<Self>, protocol: Protocol) -> Result<Box<Http1>, Serving> {
        match protocol {
            Protocol::Http1 => Ok(self.http1()),
            Protocol::Http2 => Err(Box::pin(self.http2())),
        }
    }

    /// Whatever it is, after its prologue.
    fn answered(mut self: Box<Self>) -> Serving {
        let serving = |opened: Box<Self>, protocol| match opened.serving(protocol) {
            Ok(http1) => Box::pin(http1.serve()),
            Err(serving) => serving,
        };
        match self.agreed {
            Some(protocol) => serving(self, protocol),
            None => Box::pin(async move {
                if let Some(protocol) = self.detect().await {
                    serving(self, protocol).await;
                }
            }),
        }
    }

    /// Says, in the clear, why no request is read.
    async fn turn_away(self: Box<Self>, rejection: Rejection) {
        self.http1().turn_away(rejection).await;
    }

    fn http1(self: Box<Self>) -> Box<Http1> {
        let (reader, writer, settings, current, _) = self.begin();
        Http1::new(reader, writer, settings, current)
    }

    async fn http2(self: Box<Self>) {
        let (reader, writer, settings, current, connection) = self.begin();
        http2::serve(reader, writer, settings, current, connection).await;
    }

    /// Requests are about to come.
    fn begin(self: Box<Self>) -> (Reader, Writer, InForce, Arc<Current>, Arc<Connection>) {
        let ConnectionContext {
            current,
            leave,
            listener,
        } = self.context;
        let connection = Connection::new(self.connected, leave, self.permit).through(listener);
        let connection = Arc::new(connection);
        let writer = Writer::new(self.write, self.settings.timeouts().send, connection.clone());
        (self.reader, writer, self.settings, current, connection)
    }
}

/// What a client speaks.
#[derive(Clone, Copy, Debug)]
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
        fn size_after<F>(_: fn(Prologue, Accepted, ConnectionContext, Permit) -> F) -> usize {
            size_of::<F>()
        }
        assert!(size(serve) <= TASK, "{}", size(serve));
        assert!(size_after(serve_after) <= TASK, "{}", size_after(serve_after));
    }

    /// The allocator has rooms of this size; the next larger ones have 128 bytes more.
    const ROOM: usize = 512;

    #[test]
    fn what_an_idle_client_of_http1_costs_fills_its_room() {
        assert!(size_of::<Http1>() <= ROOM, "{}", size_of::<Http1>());
    }
}
