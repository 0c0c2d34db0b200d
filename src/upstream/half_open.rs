//! A stream to an HTTP backend that may stop reading before it answers.
//!
//! hyper's client gives up when a write fails, and with it an answer that is on its way (reference, section 4,
//! "early response"). Here a refused write counts as done: the bytes are dropped, and hyper goes on to read the
//! answer, or the end of the stream.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::Stream;

/// The stream as hyper sees it.
#[derive(Debug)]
pub(super) struct HalfOpen {
    stream: Stream,
    written: Written,
}

/// What became of the writes. Shared, as hyper owns the stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Written(Arc<Outcome>);

#[derive(Debug, Default)]
struct Outcome {
    /// Any byte went out since the last [`Written::begin`].
    any: AtomicBool,
    /// A write failed; every later one goes nowhere.
    refused: AtomicBool,
}

impl Written {
    /// An exchange begins.
    pub(super) fn begin(&self) {
        self.0.any.store(false, Ordering::Relaxed);
    }

    /// Whether any byte of the exchange went out.
    pub(super) fn any(&self) -> bool {
        self.0.any.load(Ordering::Relaxed)
    }

    /// Whether the backend stopped reading: the connection must not be used again.
    pub(super) fn refused(&self) -> bool {
        self.0.refused.load(Ordering::Relaxed)
    }
}

impl HalfOpen {
    pub(super) fn new(stream: Stream, written: Written) -> Self {
        Self { stream, written }
    }

    /// What hyper is told of a write of `length` bytes.
    fn written(&self, result: io::Result<usize>, length: usize) -> io::Result<usize> {
        match result {
            Err(error) if is_refusal(&error) => {
                self.written.0.refused.store(true, Ordering::Relaxed);
                Ok(length)
            }
            Ok(count) => {
                self.written.0.any.fetch_or(count > 0, Ordering::Relaxed);
                Ok(count)
            }
            other => other,
        }
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::NotConnected
    )
}

impl AsyncRead for HalfOpen {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for HalfOpen {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.written.refused() {
            return Poll::Ready(Ok(buf.len()));
        }
        let result = ready!(Pin::new(&mut this.stream).poll_write(cx, buf));
        Poll::Ready(this.written(result, buf.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = bufs.iter().map(|buf| buf.len()).sum();
        if this.written.refused() {
            return Poll::Ready(Ok(length));
        }
        let result = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs));
        Poll::Ready(this.written(result, length))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
