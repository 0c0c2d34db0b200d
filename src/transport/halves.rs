//! The two directions of a stream, each with an owner of its own.

use std::fs::File;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio_util::io::poll_read_buf;

use super::Stream;
use super::directions::{Inbound, Outbound};
use super::tls::{TlsReadHalf, TlsWriteHalf};

/// What is read from.
#[derive(Debug)]
pub struct ReadHalf(Reading);

#[derive(Debug)]
enum Reading {
    Plain(Inbound),
    Tls(Box<TlsReadHalf>),
}

/// What is written to. Dropped: the socket is closed as soon as the other half is dropped, too.
#[derive(Debug)]
pub struct WriteHalf(Writing);

#[derive(Debug)]
enum Writing {
    Plain(Outbound),
    Tls(Box<TlsWriteHalf>),
}

impl Stream {
    /// The two directions.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch both; it does so from the start on where a client has connected.
    #[cfg_attr(not(feature = "tls"), allow(unreachable_code))]
    pub fn into_halves(self) -> io::Result<(ReadHalf, WriteHalf)> {
        Ok(match self {
            Self::Plain(socket) => {
                let (read, write) = socket.into_directions()?;
                (ReadHalf(Reading::Plain(read)), WriteHalf(Writing::Plain(write)))
            }
            Self::Tls(stream) => {
                let (read, write) = stream.into_halves();
                (
                    ReadHalf(Reading::Tls(Box::new(read))),
                    WriteHalf(Writing::Tls(Box::new(write))),
                )
            }
        })
    }
}

impl ReadHalf {
    /// Whether a read would give something: bytes, the end or an error. Without TLS, this costs no system call.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Reading::Plain(socket) => socket.poll_ready(cx),
            Reading::Tls(half) => half.poll_ready(cx),
        }
    }

    /// Reads into the spare room of `bytes`, which must have some; 0 is the end of the stream.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, bytes: &mut BytesMut) -> Poll<io::Result<usize>> {
        debug_assert!(bytes.capacity() > bytes.len());
        match &mut self.0 {
            Reading::Plain(Inbound::Tcp(half)) => poll_read_buf(Pin::new(half), cx, bytes),
            Reading::Plain(Inbound::Unix(half)) => poll_read_buf(Pin::new(half), cx, bytes),
            Reading::Tls(half) => half.poll_read(cx, bytes),
        }
    }

    /// Whether the peer has reset the connection: after the end of the stream nothing else tells that it is gone.
    pub fn is_reset(&self) -> bool {
        match &self.0 {
            Reading::Plain(socket) => socket.is_reset(),
            Reading::Tls(half) => half.is_reset(),
        }
    }
}

impl WriteHalf {
    /// Writes some of the slices; gives the bytes written. With TLS, those may still wait for
    /// [`poll_drain`](Self::poll_drain), and none is taken, which gives 0, while the socket takes what waited before.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Writing::Plain(socket) => socket.poll_write(cx, slices),
            Writing::Tls(half) => half.poll_write(cx, slices),
        }
    }

    /// Has the socket take some of what was written; 0: nothing waits. Only TLS has what waits.
    pub fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Writing::Plain(_) => Poll::Ready(Ok(0)),
            Writing::Tls(half) => half.poll_drain(cx),
        }
    }

    /// Has the kernel copy some of a file, from `offset` and `count` bytes at most; gives the bytes that the socket took.
    /// Not over TLS, of which the kernel knows nothing.
    pub fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        match &self.0 {
            Writing::Plain(socket) => socket.poll_send_file(cx, file, offset, count),
            Writing::Tls(_) => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Ends our direction: the peer reads to the end of what was written.
    pub fn shut(&mut self) {
        match &mut self.0 {
            Writing::Plain(socket) => socket.shut(),
            Writing::Tls(half) => half.shut(),
        }
    }

    /// Makes closing a reset, which no peer takes for the end of what it was sent. Unix sockets have none.
    pub fn reset_on_close(&mut self) {
        match &mut self.0 {
            Writing::Plain(socket) => socket.reset_on_close(),
            Writing::Tls(half) => half.reset_on_close(),
        }
    }
}
