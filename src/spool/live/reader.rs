//! The end of a live spool that gives bytes.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::LiveError;
use super::pipe::Pipe;

/// Gives bytes. Dropped: everything is, and the writer learns of it.
pub struct Reader<E: Send + 'static> {
    pipe: Arc<Pipe<E>>,
}

impl<E: Send + 'static> Reader<E> {
    pub(super) fn new(pipe: Arc<Pipe<E>>) -> Self {
        Self { pipe }
    }

    /// The next bytes, never empty; an error once; `None` at the end.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, LiveError<E>>>> {
        self.pipe.poll_pop(cx)
    }

    /// The same as a future.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, LiveError<E>>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Whether everything was read, and that was all.
    pub fn is_over(&self) -> bool {
        self.pipe.is_over()
    }
}

impl<E: Send + 'static> Drop for Reader<E> {
    fn drop(&mut self) {
        self.pipe.abandon();
    }
}

impl<E: Send + 'static> fmt::Debug for Reader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
