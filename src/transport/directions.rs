//! The two directions of a connected socket, each with an owner of its own.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{UnixStream, tcp, unix};

use super::socket::Socket;

/// The socket, as it is read from.
#[derive(Debug)]
pub(super) enum Inbound {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

/// The socket, as it is written to. Dropped: the socket is closed as soon as the other direction is dropped, too.
#[derive(Debug)]
pub(super) enum Outbound {
    /// `None` only while it is dropped.
    Tcp(Option<tcp::OwnedWriteHalf>),
    Unix(Option<unix::OwnedWriteHalf>),
}

impl Socket {
    /// The two directions. Fails only when the runtime cannot watch a socket, of ours, in both.
    pub(super) fn into_directions(self) -> io::Result<(Inbound, Outbound)> {
        let stream = match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                return Ok((Inbound::Tcp(read), Outbound::Tcp(Some(write))));
            }
            Self::Unix(stream) => stream,
            Self::Dialed(socket) => UnixStream::from_std(socket.into_fd()?.into())?,
        };
        let (read, write) = stream.into_split();
        Ok((Inbound::Unix(read), Outbound::Unix(Some(write))))
    }
}

impl Inbound {
    /// Whether a read would give something: bytes, the end or an error. Costs no system call.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => half.as_ref().poll_read_ready(cx),
            Self::Unix(half) => half.as_ref().poll_read_ready(cx),
        }
    }

    /// Whether the peer has reset the connection: after the end of the stream nothing else tells that it is gone.
    pub(super) fn is_reset(&self) -> bool {
        let error = match self {
            Self::Tcp(half) => half.as_ref().take_error(),
            Self::Unix(half) => half.as_ref().take_error(),
        };
        !matches!(error, Ok(None))
    }
}

impl AsyncRead for Inbound {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(half) => Pin::new(half).poll_read(cx, buf),
            Self::Unix(half) => Pin::new(half).poll_read(cx, buf),
        }
    }
}

impl Outbound {
    /// Writes some of the slices; gives the bytes written.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match (self, slices) {
            (Self::Tcp(Some(half)), [only]) => Pin::new(half).poll_write(cx, only),
            (Self::Tcp(Some(half)), several) => Pin::new(half).poll_write_vectored(cx, several),
            (Self::Unix(Some(half)), [only]) => Pin::new(half).poll_write(cx, only),
            (Self::Unix(Some(half)), several) => Pin::new(half).poll_write_vectored(cx, several),
            (Self::Tcp(None) | Self::Unix(None), _) => return Poll::Ready(Ok(0)),
        };
        match ready!(written) {
            Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => Poll::Ready(written),
        }
    }

    /// Has the kernel copy some of a file, from `offset` and `count` bytes at most; gives the bytes that the socket took.
    pub(super) fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        let write = |socket: BorrowedFd<'_>| {
            let mut from = offset;
            rustix::fs::sendfile(socket, file, Some(&mut from), count).map_err(io::Error::from)
        };
        loop {
            ready!(self.poll_writable(cx))?;
            let written = match self {
                Self::Tcp(Some(half)) => {
                    let socket = half.as_ref();
                    socket.try_io(Interest::WRITABLE, || write(socket.as_fd()))
                }
                Self::Unix(Some(half)) => {
                    let socket = half.as_ref();
                    socket.try_io(Interest::WRITABLE, || write(socket.as_fd()))
                }
                Self::Tcp(None) | Self::Unix(None) => {
                    return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
                }
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(Some(half)) => half.as_ref().poll_write_ready(cx),
            Self::Unix(Some(half)) => half.as_ref().poll_write_ready(cx),
            Self::Tcp(None) | Self::Unix(None) => Poll::Ready(Ok(())),
        }
    }

    /// Ends our direction: the peer reads to the end of what was written.
    pub(super) fn shut(&self) {
        // Fails on a socket that is gone.
        let _ = match self {
            Self::Tcp(half) => half
                .as_ref()
                .map(|half| SockRef::from(half.as_ref()).shutdown(std::net::Shutdown::Write)),
            Self::Unix(half) => half
                .as_ref()
                .map(|half| SockRef::from(half.as_ref()).shutdown(std::net::Shutdown::Write)),
        };
    }

    /// Makes closing a reset, which no peer takes for the end of what it was sent. Unix sockets have none.
    pub(super) fn reset_on_close(&self) {
        if let Self::Tcp(Some(half)) = self {
            // Fails on a socket that is reset already.
            let _ = SockRef::from(half.as_ref()).set_linger(Some(Duration::ZERO));
        }
    }
}

/// Closing says as much as shutting down, for one system call less.
impl Drop for Outbound {
    fn drop(&mut self) {
        match self {
            Self::Tcp(half) => half.take().map(tcp::OwnedWriteHalf::forget).unwrap_or_default(),
            Self::Unix(half) => half.take().map(unix::OwnedWriteHalf::forget).unwrap_or_default(),
        }
    }
}
