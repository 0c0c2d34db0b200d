//! A stream whose reading outlives its writing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::Stream;

/// An application may answer before it has read the request, and close its side: the failed write must not hide the
/// answer, as it would in hyper. From then on what is written goes nowhere.
#[derive(Debug)]
pub(super) struct OneWay {
    stream: Stream,
    refused: Refused,
}

/// Whether a write failed. Shared by the stream and its connection, which must not be used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Refused(Arc<AtomicBool>);

impl Refused {
    pub(super) fn is_true(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl OneWay {
    pub(super) fn new(stream: Stream) -> (Self, Refused) {
        let refused = Refused::default();
        let stream = Self {
            stream,
            refused: refused.clone(),
        };
        (stream, refused)
    }

    /// A failed write of `length` bytes becomes one that went nowhere.
    fn written(&self, length: usize, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        written.map(|written| {
            written.or_else(|_| {
                self.refused.0.store(true, Ordering::Relaxed);
                Ok(length)
            })
        })
    }
}

impl AsyncRead for OneWay {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for OneWay {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.refused.is_true() {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.written(buf.len(), written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = bufs.iter().map(|buf| buf.len()).sum();
        if this.refused.is_true() {
            return Poll::Ready(Ok(length));
        }
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.written(length, written)
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
