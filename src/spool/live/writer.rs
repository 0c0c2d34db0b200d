//! The end of a live spool that takes bytes.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::LiveError;
use super::pipe::Pipe;

/// Takes bytes. Dropped before the end: the reader gets what there is, then [`LiveError::Abandoned`].
pub struct Writer<E: Send + 'static> {
    pipe: Arc<Pipe<E>>,
}

impl<E: Send + 'static> Writer<E> {
    pub(super) fn new(pipe: Arc<Pipe<E>>) -> Self {
        Self { pipe }
    }

    /// Ready with `true` when another chunk may be pushed, with `false` when none is wanted.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.pipe.poll_ready(cx)
    }

    /// Whether another chunk may be pushed now.
    pub fn is_ready(&self) -> bool {
        self.pipe.is_ready()
    }

    /// Ready when the reader is gone. Only the last of this and [`poll_ready`](Self::poll_ready) wakes.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.pipe.poll_gone(cx)
    }

    /// Appends a chunk. Memory is bounded for callers that were told they may.
    pub fn push(&mut self, chunk: Bytes) {
        self.pipe.push(chunk);
    }

    /// That was all.
    pub fn finish(self) {
        self.pipe.finish(None);
    }

    /// That was all; behind it the reader gets this, once: why there is no more, for instance.
    pub fn end(self, with: E) {
        self.pipe.finish(Some(LiveError::Source(with)));
    }
}

impl<E: Send + 'static> Drop for Writer<E> {
    fn drop(&mut self) {
        // In vain after another end.
        self.pipe.finish(Some(LiveError::Abandoned));
    }
}

impl<E: Send + 'static> fmt::Debug for Writer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
