//! The two directions of a connected socket, each with an owner of its own.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncWrite, Interest};
use tokio::net::{tcp, unix};
use tokio_util::io::poll_read_buf;

use super::Stream;

/// What is read from.
#[derive(Debug)]
pub struct ReadHalf(Reading);

#[derive(Debug)]
enum Reading {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

/// What is written to. Dropped: the socket is closed as soon as the other half is dropped, too.
#[derive(Debug)]
pub struct WriteHalf(Writing);

#[derive(Debug)]
enum Writing {
    /// `None` only while it is dropped.
    Tcp(Option<tcp::OwnedWriteHalf>),
    Unix(Option<unix::OwnedWriteHalf>),
}

impl Stream {
    /// The two directions.
    pub fn into_halves(self) -> (ReadHalf, WriteHalf) {
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf(Reading::Tcp(read)), WriteHalf(Writing::Tcp(Some(write))))
            }
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                (
                    ReadHalf(Reading::Unix(read)),
                    WriteHalf(Writing::Unix(Some(write))),
                )
            }
        }
    }
}

impl ReadHalf {
    /// Whether a read would give something: bytes, the end or an error. Costs no system call.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Reading::Tcp(half) => half.as_ref().poll_read_ready(cx),
            Reading::Unix(half) => half.as_ref().poll_read_ready(cx),
        }
    }

    /// Reads into the spare room of `bytes`, which must have some; 0 is the end of the stream.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, bytes: &mut BytesMut) -> Poll<io::Result<usize>> {
        debug_assert!(bytes.capacity() > bytes.len());
        match &mut self.0 {
            Reading::Tcp(half) => poll_read_buf(Pin::new(half), cx, bytes),
            Reading::Unix(half) => poll_read_buf(Pin::new(half), cx, bytes),
        }
    }

    /// Whether the peer has reset the connection: after the end of the stream nothing else tells that it is gone.
    pub fn is_reset(&self) -> bool {
        let error = match &self.0 {
            Reading::Tcp(half) => half.as_ref().take_error(),
            Reading::Unix(half) => half.as_ref().take_error(),
        };
        !matches!(error, Ok(None))
    }
}

impl WriteHalf {
    /// Writes some of the slices; gives the bytes written.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = match (&mut self.0, slices) {
            (Writing::Tcp(Some(half)), [only]) => Pin::new(half).poll_write(cx, only),
            (Writing::Tcp(Some(half)), several) => Pin::new(half).poll_write_vectored(cx, several),
            (Writing::Unix(Some(half)), [only]) => Pin::new(half).poll_write(cx, only),
            (Writing::Unix(Some(half)), several) => Pin::new(half).poll_write_vectored(cx, several),
            (Writing::Tcp(None) | Writing::Unix(None), _) => return Poll::Ready(Ok(0)),
        };
        match ready!(written) {
            Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => Poll::Ready(written),
        }
    }

    /// Has the kernel copy some of a file, from `offset` and `count` bytes at most; gives the bytes that the socket took.
    pub fn poll_send_file(
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
            let written = match &self.0 {
                Writing::Tcp(Some(half)) => {
                    let socket = half.as_ref();
                    socket.try_io(Interest::WRITABLE, || write(socket.as_fd()))
                }
                Writing::Unix(Some(half)) => {
                    let socket = half.as_ref();
                    socket.try_io(Interest::WRITABLE, || write(socket.as_fd()))
                }
                Writing::Tcp(None) | Writing::Unix(None) => {
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
        match &self.0 {
            Writing::Tcp(Some(half)) => half.as_ref().poll_write_ready(cx),
            Writing::Unix(Some(half)) => half.as_ref().poll_write_ready(cx),
            Writing::Tcp(None) | Writing::Unix(None) => Poll::Ready(Ok(())),
        }
    }

    /// Ends our direction: the peer reads to the end of what was written.
    pub fn shut(&self) {
        // Fails on a socket that is gone.
        let _ = match &self.0 {
            Writing::Tcp(half) => half
                .as_ref()
                .map(|half| SockRef::from(half.as_ref()).shutdown(std::net::Shutdown::Write)),
            Writing::Unix(half) => half
                .as_ref()
                .map(|half| SockRef::from(half.as_ref()).shutdown(std::net::Shutdown::Write)),
        };
    }

    /// Makes closing a reset, which no peer takes for the end of what it was sent. Unix sockets have none.
    pub fn reset_on_close(&self) {
        if let Writing::Tcp(Some(half)) = &self.0 {
            // Fails on a socket that is reset already.
            let _ = SockRef::from(half.as_ref()).set_linger(Some(Duration::ZERO));
        }
    }
}

/// Closing says as much as shutting down, for one system call less.
impl Drop for WriteHalf {
    fn drop(&mut self) {
        match &mut self.0 {
            Writing::Tcp(half) => half.take().map(tcp::OwnedWriteHalf::forget).unwrap_or_default(),
            Writing::Unix(half) => half.take().map(unix::OwnedWriteHalf::forget).unwrap_or_default(),
        }
    }
}
