//! A connection with TLS that is in one piece: to a backend, or before its directions part.

use std::io::{self, IoSlice, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::blocking::Sink;
use super::session::Session;
use crate::transport::socket::Socket;

/// A connection whose handshake is over.
#[derive(Debug)]
pub struct TlsStream {
    socket: Socket,
    session: Session,
    /// The peer is to be told that nothing follows.
    open: bool,
}

impl TlsStream {
    pub(super) fn new(socket: Socket, session: Session) -> Self {
        Self {
            socket,
            session,
            open: true,
        }
    }

    pub(super) fn into_parts(self) -> (Socket, Session) {
        (self.socket, self.session)
    }

    /// What carries it.
    pub(in crate::transport) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Whether there is nothing to be read: no byte, no end, no error.
    pub(in crate::transport) fn is_quiet(&mut self) -> bool {
        self.session.is_quiet(&mut Peek(&self.socket))
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { socket, session, .. } = self.get_mut();
        ready!(session.poll_read(socket, cx, buf))?;
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
        let Self { socket, session, .. } = self.get_mut();
        loop {
            match ready!(session.poll_write(socket, cx, slices))? {
                0 if slices.iter().any(|slice| !slice.is_empty()) => {}
                written => return Poll::Ready(Ok(written)),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, session, .. } = self.get_mut();
        while ready!(session.poll_drain(socket, cx))? > 0 {}
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self {
            socket,
            session,
            open,
        } = self.get_mut();
        if std::mem::take(open) {
            session.send_close();
        }
        while ready!(session.poll_drain(socket, cx))? > 0 {}
        Pin::new(socket).poll_shutdown(cx)
    }
}

impl Sink for Socket {
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write_vectored(cx, slices)
    }

    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write_now(self, bytes)
    }
}

/// What has come, without waiting.
struct Peek<'a>(&'a Socket);

impl Read for Peek<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buf)
    }
}
