//! A stream to an HTTP backend that may stop reading before it answers.
//!
//! hyper's client gives up when a write fails, and with it an answer that is on its way (reference, section 4,
//! "early response"). Here a refused write counts as done: the bytes are dropped, and hyper goes on to read the
//! answer, or the end of the stream.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

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
    /// The backend takes nothing at the moment.
    blocked: AtomicBool,
    /// The client has to send more of the request's body.
    client: AtomicBool,
    /// Writes so far.
    count: AtomicUsize,
}

/// Who has to act before there can be an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The client has to send more of its body.
    Client,
    /// The backend has to take bytes.
    Taking,
    /// The backend has to answer.
    Answer,
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

    /// Who is waited for, and a number that changes with every write: the wait starts again.
    pub(super) fn awaited(&self) -> (Awaited, usize) {
        let awaited = if self.0.blocked.load(Ordering::Relaxed) {
            Awaited::Taking
        } else if self.0.client.load(Ordering::Relaxed) {
            Awaited::Client
        } else {
            Awaited::Answer
        };
        (awaited, self.0.count.load(Ordering::Relaxed))
    }

    /// Whether the body waits for the client.
    pub(super) fn wait_for_client(&self, client: bool) {
        self.0.client.store(client, Ordering::Relaxed);
    }
}

impl HalfOpen {
    pub(super) fn new(stream: Stream, written: Written) -> Self {
        Self { stream, written }
    }

    /// What hyper is told of a write of `length` bytes.
    fn written(&self, result: Poll<io::Result<usize>>, length: usize) -> Poll<io::Result<usize>> {
        let outcome = &self.written.0;
        outcome.blocked.store(result.is_pending(), Ordering::Relaxed);
        result.map(|result| {
            outcome.count.fetch_add(1, Ordering::Relaxed);
            self.ended(result, length)
        })
    }

    fn ended(&self, result: io::Result<usize>, length: usize) -> io::Result<usize> {
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
        let result = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.written(result, buf.len())
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
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.written(result, length)
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
