//! The side of a spool that gives bytes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::disk::Disk;
use super::quota::Share;
use super::segments::Segments;

/// Bytes that are complete; read in order, any number of times.
#[derive(Debug, Default)]
pub struct Spool {
    head: Vec<Bytes>,
    /// `head`, as all spools count it. Boxed: an error holds the body of its request.
    _held: Option<Box<Share>>,
    tail: Option<Tail>,
    /// The next piece of `head`.
    next: usize,
    /// Where to go on in the file.
    offset: u64,
    /// The read that was started and not yet taken.
    job: Option<JoinHandle<io::Result<Bytes>>>,
}

/// The part on disk.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) disk: Arc<Disk>,
    pub(super) len: u64,
}

impl Spool {
    pub(super) fn new(memory: Segments, held: Option<Share>, tail: Option<Tail>) -> Self {
        Self {
            head: memory.into_pieces(),
            _held: held.map(Box::new),
            tail,
            ..Self::default()
        }
    }

    /// Starts again at the first byte.
    pub fn rewind(&mut self) {
        self.next = 0;
        self.offset = 0;
        self.job = None;
    }

    /// The next bytes, never empty; `None` at the end. A failed read is repeated by the next call.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(piece) = self.head.get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(piece.clone())));
        }
        let Some(tail) = &self.tail else {
            return Poll::Ready(None);
        };
        if self.offset == tail.len {
            return Poll::Ready(None);
        }
        let job = self
            .job
            .get_or_insert_with(|| tail.disk.read(self.offset, tail.len));
        let ended = ready!(Pin::new(job).poll(cx));
        self.job = None;
        let read = ended.unwrap_or_else(|error| Err(io::Error::other(error)));
        if let Ok(piece) = &read {
            self.offset += piece.len() as u64;
        }
        Poll::Ready(Some(read))
    }

    /// The same as a future.
    pub async fn chunk(&mut self) -> Option<io::Result<Bytes>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Bytes from the first to the last, whatever was read.
    pub fn len(&self) -> u64 {
        head_len(&self.head) + self.on_disk()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes on disk.
    pub fn on_disk(&self) -> u64 {
        self.tail.as_ref().map_or(0, |tail| tail.len)
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> u64 {
        head_len(self.head.get(self.next..).unwrap_or_default()) + self.on_disk() - self.offset
    }
}

impl From<Bytes> for Spool {
    /// A spool in memory, not copied.
    fn from(bytes: Bytes) -> Self {
        let mut memory = Segments::default();
        memory.push(bytes);
        Self::new(memory, None, None)
    }
}

fn head_len(pieces: &[Bytes]) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}
