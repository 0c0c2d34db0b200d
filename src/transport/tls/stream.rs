//! A connection with TLS that is in one piece: to a backend, or before its directions part.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::halves::{TlsReadHalf, TlsWriteHalf};
use super::session::Session;
use crate::transport::socket::Socket;

/// A connection whose handshake is over. Dropped: the peer is told that nothing follows.
#[derive(Debug)]
pub struct TlsStream {
    read: TlsReadHalf,
    write: TlsWriteHalf,
}

impl TlsStream {
    pub(super) fn new(socket: Socket, session: Session) -> io::Result<Self> {
        let (read, write) = session.into_halves(socket)?;
        Ok(Self { read, write })
    }

    /// The two directions.
    pub(in crate::transport) fn into_halves(self) -> (TlsReadHalf, TlsWriteHalf) {
        (self.read, self.write)
    }

    /// The other end, when it has a number.
    pub(in crate::transport) fn peer_addr(&self) -> Option<SocketAddr> {
        self.read.socket().peer_addr()
    }

    /// Our end, when it has a number.
    pub(in crate::transport) fn local_addr(&self) -> Option<SocketAddr> {
        self.read.socket().local_addr()
    }

    /// Whether there is nothing to be read: no byte, no end, no error.
    pub(in crate::transport) fn is_quiet(&mut self) -> bool {
        self.read.is_quiet()
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.get_mut().read.poll_take(cx, buf))?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = &mut self.get_mut().write;
        loop {
            match ready!(write.poll_write(cx, slices))? {
                0 if slices.iter().any(|slice| !slice.is_empty()) => {}
                written => return Poll::Ready(Ok(written)),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let write = &mut self.get_mut().write;
        while ready!(write.poll_drain(cx))? > 0 {}
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().write.poll_shut(cx)
    }
}
