//! What a client is sent: the writing half of its socket, and the bytes that it has not taken yet.

use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;

use crate::frontend::connection::Connection;
use crate::protocol::WriteQueue;
use crate::transport::{Deadline, WriteHalf, buffers};

/// Slices given to one vectored write.
const SLICES: usize = 16;

/// The way to one client.
#[derive(Debug)]
pub(super) struct Writer {
    half: WriteHalf,
    /// To be written.
    pub(super) queue: WriteQueue,
    /// Runs while the client takes nothing. There as soon as it once took nothing: most clients take everything.
    blocked: Option<Box<Deadline>>,
    /// Longest time in which the client takes nothing.
    limit: Duration,
    connection: Arc<Connection>,
}

impl Writer {
    /// `limit`: `timeouts.send`.
    pub(super) fn new(half: WriteHalf, limit: Duration, connection: Arc<Connection>) -> Self {
        Self {
            half,
            queue: WriteQueue::new(),
            blocked: None,
            limit,
            connection,
        }
    }

    /// The connection that it writes to.
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// `timeouts.send` is another one.
    pub(super) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Where the head of an answer is written: behind the interim answers that wait.
    pub(super) fn head(&mut self) -> &mut Vec<u8> {
        self.queue.adopt(buffers::take_output);
        self.put_interim();
        self.queue.tail()
    }

    /// Queues the interim answers that wait.
    pub(super) fn put_interim(&mut self) {
        self.connection.put_interim(self.queue.tail());
    }

    /// Gives the buffer back while nothing is to be written.
    pub(super) fn park(&mut self) {
        buffers::give_output(self.queue.release());
    }

    /// Writes all of the queue. An error of the kind `TimedOut`: the client took nothing for too long.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.queue.is_empty() {
            let written = match self.queue.single() {
                Some(only) => self.half.poll_write(cx, &[IoSlice::new(only)]),
                None => {
                    let mut slices = [IoSlice::new(&[]); SLICES];
                    let filled = self.queue.chunks_vectored(&mut slices);
                    self.half.poll_write(cx, &slices[..filled])
                }
            };
            match self.poll_blocked(written, cx) {
                Poll::Ready(written) => self.queue.advance(written?),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.poll_drained(cx, true)
    }

    /// Ready when nothing is left of what was written. `limited`: a client that takes nothing for too long is an error.
    pub(super) fn poll_drained(&mut self, cx: &mut Context<'_>, limited: bool) -> Poll<io::Result<()>> {
        loop {
            let drained = self.half.poll_drain(cx);
            if matches!(drained, Poll::Ready(Ok(0))) {
                return Poll::Ready(Ok(()));
            }
            ready!(match limited {
                true => self.poll_blocked(drained, cx),
                false => drained,
            })?;
        }
    }

    /// Has the kernel copy some of a file, past the queue, which must be empty.
    pub(super) fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        let written = self.half.poll_send_file(cx, file, offset, count);
        self.poll_blocked(written, cx)
    }

    /// Writes some of the slices, past the queue. `limited`: a client that takes nothing for too long is an error.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        limited: bool,
    ) -> Poll<io::Result<usize>> {
        loop {
            let written = match self.half.poll_write(cx, slices) {
                written if limited => ready!(self.poll_blocked(written, cx))?,
                written => ready!(written)?,
            };
            if written > 0 || slices.iter().all(|slice| slice.is_empty()) {
                return Poll::Ready(Ok(written));
            }
        }
    }

    /// Ends our direction.
    pub(super) fn shut(&mut self) {
        self.half.shut();
    }

    /// What was written; or that nothing was for too long.
    fn poll_blocked(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            if let Some(blocked) = &mut self.blocked {
                blocked.clear();
            }
            return written;
        }
        let blocked = self.blocked.get_or_insert_default();
        if !blocked.is_set() {
            blocked.set(self.limit);
        }
        ready!(blocked.poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.connection.is_cut() {
            self.half.reset_on_close();
        }
    }
}
