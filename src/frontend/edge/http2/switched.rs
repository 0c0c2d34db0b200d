//! A stream that carries another protocol: both of its directions, as a tunnel wants them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::metered::{SharedMeter, lock};
use super::sending::SEND_BUFFER;
use super::window::ReceiveWindow;
use crate::frontend::connection::Connection;

/// The client's end of a tunnel. Its connection is not at rest as long as it exists. Dropped before its end, it is reset.
pub(super) struct Switched {
    from: RecvStream,
    to: SendStream<Bytes>,
    window: Arc<ReceiveWindow>,
    /// Received, not read.
    received: Bytes,
    connection: Arc<Connection>,
    meter: SharedMeter,
}

impl Switched {
    /// Both directions of a stream whose head was answered.
    pub(super) fn new(
        from: RecvStream,
        to: SendStream<Bytes>,
        window: Arc<ReceiveWindow>,
        connection: Arc<Connection>,
        meter: SharedMeter,
    ) -> Self {
        connection.requests.begin();
        lock(&meter).tunnel_begins();
        Self {
            from,
            to,
            window,
            received: Bytes::new(),
            connection,
            meter,
        }
    }

    /// Bytes that the client takes now.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            match self.to.capacity() {
                0 => {}
                room => return Poll::Ready(Ok(room)),
            }
            if !matches!(ready!(self.to.poll_capacity(cx)), Some(Ok(_))) {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
        }
    }
}

impl Drop for Switched {
    fn drop(&mut self) {
        lock(&self.meter).tunnel_ends();
        self.connection.requests.end();
    }
}

impl AsyncRead for Switched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.received.is_empty() {
            match ready!(this.from.poll_data(cx)) {
                Some(Ok(data)) => {
                    this.window.taken(data.len());
                    // An error: the stream was reset since, and with it its window.
                    let _ = this.from.flow_control().release_capacity(data.len());
                    this.received = data;
                }
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.received.len().min(buf.remaining());
        buf.put_slice(&this.received[..count]);
        this.received.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Switched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        this.to.reserve_capacity(bytes.len().min(SEND_BUFFER));
        let count = ready!(this.poll_room(cx))?.min(bytes.len());
        let data = Bytes::copy_from_slice(&bytes[..count]);
        this.to.send_data(data, false).map_err(io::Error::other)?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = self.get_mut().to.send_data(Bytes::new(), true);
        Poll::Ready(ended.map_err(io::Error::other))
    }
}
