//! One client connection, from its first byte to its last.
//!
//! [`serve`] tells HTTP/1 from HTTP/2 by what the client sends first. `http1` is ours to the last byte; `http2` is
//! hyper's behind the same service, and the only file that knows it. A connection is in one explicit `state`, each of
//! which has its one deadline; exchanges have the deadlines of what they wait for.

mod date;
mod half_close;
mod http1;
mod http2;
mod incoming;
mod leaving;
mod reader;
mod sending;
#[cfg(test)]
mod simulation;
mod socket;
mod state;
mod writer;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;

use super::Config;
use super::config::Timeouts;
use super::current::Current;
use super::download::Watch;
use super::forwarded::Connected;
use super::places::Place;
use super::service::Connection;
use crate::transport::{Notice, Stream};
use http1::Http1;
use leaving::Leaving;
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
    /// Given when its listener is closed.
    pub leave: Arc<Notice>,
}

/// Serves a connection until it ends. When it is to leave, nothing is lost: what is under way is finished, and a client
/// that was about to send a request is answered and told that it was the last one.
pub async fn serve(stream: Stream, context: ConnectionContext, place: Place) {
    let settings = context.current.service().edge.clone();
    let connected = Connected::new(stream.peer_addr(), stream.local_addr());
    let (read, write) = stream.into_halves();
    let mut reader = Reader::new(read, BytesMut::new());
    let Some(protocol) = detect(&mut reader, &context.leave, &settings.timeouts).await else {
        return;
    };
    let connection = Arc::new(Connection::new(connected, context.leave, place));
    let writer = Writer::new(write, settings.timeouts.send, connection.clone());
    let grace = settings.download_grace;
    match protocol {
        Protocol::Http1 => {
            let http1 = Http1::new(reader, writer, settings, context.current, connection.clone());
            match grace {
                Some(grace) => Box::pin(Watch::new(connection, grace).over(http1.serve())).await,
                None => http1.serve().await,
            }
        }
        Protocol::Http2 => {
            let serving = http2::serve(reader, writer, settings, context.current, connection.clone());
            match grace {
                Some(grace) => Box::pin(Watch::new(connection, grace).over(serving)).await,
                None => Box::pin(serving).await,
            }
        }
    }
}

/// What a client speaks.
enum Protocol {
    Http1,
    Http2,
}

/// What a connection keeps of the configuration that was in force when it was accepted. Not all of it: a service holds
/// its upstreams.
#[derive(Debug)]
pub(super) struct Settings {
    timeouts: Timeouts,
    head_size: usize,
    head_fields: usize,
    discard: u64,
    /// Only where a route has a least rate for answers.
    download_grace: Option<Duration>,
}

impl Settings {
    /// The part of a configuration.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            timeouts: config.timeouts,
            head_size: config.head_size,
            head_fields: config.head_fields,
            discard: config.discard,
            download_grace: config.download_grace(),
        }
    }
}

/// Reads until the bytes are, or can no longer become, an HTTP/2 preface; `None` when the client closes or says nothing.
async fn detect(reader: &mut Reader, leave: &Notice, timeouts: &Timeouts) -> Option<Protocol> {
    let mut stage = Stage::new();
    let mut leaving = Leaving::default();
    let mut given = std::pin::pin!(leave.given());
    poll_fn(|cx| {
        loop {
            if let Some(protocol) = protocol(&reader.bytes) {
                return Poll::Ready(Some(protocol));
            }
            let state = match reader.bytes.is_empty() {
                true => ConnectionState::Idle,
                false => ConnectionState::Head,
            };
            stage.enter(state, timeouts);
            match reader.poll_fill(cx) {
                Poll::Ready(Ok(1..)) => continue,
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => {}
            }
            reader.park();
            if leaving.poll(leave, given.as_mut(), cx) {
                stage.shorten(timeouts.grace);
            }
            return stage.poll_late(cx).map(|()| None);
        }
    })
    .await
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
