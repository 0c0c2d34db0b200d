//! What a client sends: the reading half of its socket, and the bytes that were read and not taken yet.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;

use crate::transport::{ReadHalf, buffers};

/// The bytes of one client, in order.
#[derive(Debug)]
pub(super) struct Reader {
    half: ReadHalf,
    /// Read, and not taken.
    pub(super) bytes: BytesMut,
    ended: bool,
}

/// Least room for a read.
const LEAST: usize = 1024;

/// Room for a read of an upload: fewer calls, and pieces that a file takes well.
const UPLOAD: usize = 64 * 1024;

impl Reader {
    /// A client of which `bytes` were read already.
    pub(super) fn new(half: ReadHalf, bytes: BytesMut) -> Self {
        Self {
            half,
            bytes,
            ended: false,
        }
    }

    /// Reads more of a head; gives the number of bytes, 0 at the end of the stream. For a connection that is woken by
    /// little else than its client.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.bytes.capacity() == 0 && !self.ended {
            self.bytes = buffers::take();
        }
        self.poll_read(cx, LEAST, buffers::SIZE)
    }

    /// The same for a connection that waits for more than its client.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.bytes.capacity() == 0 && !self.ended {
            // Mostly it is asked for no more than to be woken.
            ready!(self.half.poll_ready(cx))?;
            self.bytes = buffers::take();
        }
        self.poll_read(cx, LEAST, buffers::SIZE)
    }

    /// Reads more of an upload. `frugal`: memory is short.
    pub(super) fn poll_upload(&mut self, cx: &mut Context<'_>, frugal: bool) -> Poll<io::Result<usize>> {
        // A new buffer of that size does not wait for the client.
        ready!(self.half.poll_ready(cx))?;
        self.poll_read(cx, buffers::SIZE / 2, if frugal { buffers::SIZE } else { UPLOAD })
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Keeps no more than a head needs.
    pub(super) fn shrink(&mut self) {
        if self.held() > buffers::SIZE {
            self.park();
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, least: usize, room: usize) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        if self.bytes.capacity() - self.bytes.len() < least && !self.bytes.try_reclaim(least) {
            self.bytes.reserve(room);
        }
        let count = ready!(self.half.poll_read(cx, &mut self.bytes))?;
        self.ended = count == 0;
        Poll::Ready(Ok(count))
    }

    /// Whether the client has closed its side.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether the connection was reset since.
    pub(super) fn is_reset(&self) -> bool {
        self.half.is_reset()
    }

    /// Gives the buffer back while nothing is to be read: bytes that are left keep only the room that they need.
    pub(super) fn park(&mut self) {
        if self.bytes.capacity() == 0 {
            return;
        }
        let left = BytesMut::from(&self.bytes[..]);
        buffers::give(std::mem::replace(&mut self.bytes, left));
    }
}
