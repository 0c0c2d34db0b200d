//! A connected socket as the system has it, TCP or unix: what streams are made of, with and without TLS.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::{RecvFlags, SendFlags};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::dialed::DialedSocket;

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP; Nagle's algorithm is off.
    Tcp(TcpStream),
    /// A unix stream socket that a client has connected.
    Unix(UnixStream),
    /// A unix stream socket that we have connected.
    Dialed(DialedSocket),
}

impl Socket {
    /// The other end, when it has a number.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            Self::Unix(_) | Self::Dialed(_) => None,
        }
    }

    /// Our end, when it has a number.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) | Self::Dialed(_) => None,
        }
    }

    /// Reads what is there now. Costs no system call while nothing has come, and nothing of the task's budget.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buf),
            Self::Unix(stream) => stream.try_read(buf),
            Self::Dialed(socket) => socket.try_read(buf),
        }
    }

    /// Waits for bytes, and copies them into `room` without taking them; 0 is the end of the stream. `Unsupported` of a unix
    /// socket that we have connected.
    pub async fn peek(&self, room: &mut [u8]) -> io::Result<usize> {
        let mut peek = |socket: BorrowedFd<'_>| {
            let (_, count) = rustix::net::recv(socket, &mut *room, RecvFlags::PEEK)?;
            Ok(count)
        };
        match self {
            Self::Tcp(stream) => {
                let look = || peek(stream.as_fd());
                stream.async_io(Interest::READABLE, look).await
            }
            Self::Unix(stream) => {
                let look = || peek(stream.as_fd());
                stream.async_io(Interest::READABLE, look).await
            }
            Self::Dialed(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Writes without asking the runtime, which of a fresh connection knows only later that it takes bytes.
    pub fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let socket = match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
            Self::Dialed(socket) => socket.as_fd(),
        };
        Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?)
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(stream)
    }
}

impl From<DialedSocket> for Socket {
    fn from(socket: DialedSocket) -> Self {
        Self::Dialed(socket)
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Dialed(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Dialed(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Dialed(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets have nothing to flush.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Dialed(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
