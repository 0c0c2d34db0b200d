//! The body of a request on its way to a backend.

use std::task::{Context, Poll};

use bytes::Bytes;

use crate::spool::Spool;
use crate::upstream::model::error::BodyError;

/// A body that streams from the client.
pub trait Streaming: Send {
    /// The next piece, `None` at the end. Trailers are no part of it: they must not become variables (reference,
    /// section 4).
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>;
}

/// The body of a request. All but `Stream` are held by us: they can be sent again.
#[derive(Default)]
pub enum RequestBody {
    /// No body.
    #[default]
    Empty,
    /// All of it, in memory.
    Full {
        /// The bytes.
        bytes: Bytes,
        /// Whether they were handed out.
        sent: bool,
    },
    /// All of it, in memory and on disk.
    Spooled(Box<Spool>),
    /// As it arrives from the client.
    Stream(Box<dyn Streaming>),
}

impl RequestBody {
    /// A body that is complete in memory.
    pub fn full(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            Self::Empty
        } else {
            Self::Full { bytes, sent: false }
        }
    }

    /// Back to the first byte; `false` when bytes that streamed through are gone.
    pub fn rewind(&mut self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full { sent, .. } => {
                *sent = false;
                true
            }
            Self::Spooled(spool) => {
                spool.rewind();
                true
            }
            Self::Stream(_) => false,
        }
    }

    /// Whether all of it is here, so that [`rewind`](Self::rewind) works.
    pub fn is_held(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// The next piece, `None` at the end.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self {
            Self::Empty | Self::Full { sent: true, .. } => Poll::Ready(None),
            Self::Full { bytes, sent } => {
                *sent = true;
                Poll::Ready(Some(Ok(bytes.clone())))
            }
            Self::Spooled(spool) => spool
                .poll_chunk(cx)
                .map(|chunk| chunk.map(|read| read.map_err(BodyError::Spool))),
            Self::Stream(body) => body.poll_chunk(cx),
        }
    }
}
