//! One connected byte stream: TCP or unix, with or without TLS.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::dialed::DialedSocket;
use super::socket::Socket;
use super::tls::TlsStream;

/// A connected byte stream.
#[derive(Debug)]
pub enum Stream {
    /// What the socket carries.
    Plain(Socket),
    /// What TLS makes of it.
    Tls(Box<TlsStream>),
}

impl Stream {
    /// The other end, when it has a number, and still has: none is left of a connection that was reset.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(socket) => socket.peer_addr(),
            Self::Tls(stream) => stream.peer_addr(),
        }
    }

    /// Our end, when it has a number.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(socket) => socket.local_addr(),
            Self::Tls(stream) => stream.local_addr(),
        }
    }

    /// Whether there is nothing to be read: no byte, no end, no error. A byte that is there may be lost.
    ///
    /// Costs no system call while nothing has come, and nothing of the task's budget.
    pub fn is_quiet(&mut self) -> bool {
        match self {
            Self::Plain(socket) => {
                let read = socket.try_read(&mut [0; 1]);
                matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            Self::Tls(stream) => stream.is_quiet(),
        }
    }

    /// Waits for bytes, and copies them into `room` without taking them; 0 is the end of the stream. `Unsupported` with TLS.
    pub async fn peek(&self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.peek(room).await,
            Self::Tls(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self::Plain(stream.into())
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self::Plain(stream.into())
    }
}

impl From<DialedSocket> for Stream {
    fn from(socket: DialedSocket) -> Self {
        Self::Plain(socket.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // Sockets have nothing to flush.
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }
}
