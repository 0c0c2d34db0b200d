//! A client's two sides as one stream: for a tunnel, and for HTTP/2.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reader::Reader;
use super::writer::Writer;

/// Bytes that one wake-up reads: a client that never stops sending does not occupy a thread.
const TURN: usize = 64 * 1024;

/// A client's socket. What was read before comes first.
#[derive(Debug)]
pub(super) struct Socket {
    reader: Reader,
    writer: Writer,
    /// Bytes read since the last pause.
    turn: usize,
    /// Whether a client that takes nothing for `timeouts.send` is given up.
    limited: bool,
}

impl Socket {
    /// `limited`: whether a client that takes nothing for `timeouts.send` is given up.
    pub(super) fn new(reader: Reader, writer: Writer, limited: bool) -> Self {
        Self {
            reader,
            writer,
            turn: 0,
            limited,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { reader, turn, .. } = self.get_mut();
        if *turn >= TURN {
            *turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if reader.bytes.is_empty() {
            let filled = reader.poll_fill(cx);
            if filled.is_pending() {
                *turn = 0;
                reader.park();
            }
            ready!(filled)?;
        }
        let count = reader.bytes.len().min(buf.remaining());
        buf.put_slice(&reader.bytes[..count]);
        reader.bytes.advance(count);
        *turn += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.writer.poll_write(cx, slices, this.limited)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.writer.poll_drained(cx, this.limited)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.writer.poll_drained(cx, this.limited))?;
        this.writer.shut();
        Poll::Ready(Ok(()))
    }
}
