//! Sockets as rustls wants them: with the calls of the standard library, which would block.

use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// What encrypted bytes go to.
pub(super) trait Sink {
    /// Writes some of the slices.
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Writes what the socket takes at once.
    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize>;
}

/// A socket that is read from.
pub(super) struct Source<'a, 'c, S> {
    pub(super) socket: &'a mut S,
    pub(super) cx: &'a mut Context<'c>,
}

impl<S: AsyncRead + Unpin> Read for Source<'_, '_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        match Pin::new(&mut *self.socket).poll_read(self.cx, &mut buf) {
            Poll::Ready(Ok(())) => Ok(buf.filled().len()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// A socket that is written to.
pub(super) struct Drain<'a, 'c, S> {
    pub(super) socket: &'a mut S,
    pub(super) cx: &'a mut Context<'c>,
}

impl<S: Sink> Write for Drain<'_, '_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.socket.poll_write(self.cx, slices) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket that is not waited for.
pub(super) struct Now<'a, S>(pub(super) &'a mut S);

impl<S: Sink> Write for Now<'_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write_now(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
