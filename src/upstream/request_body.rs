//! The body of a request on its way to a backend.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::spool::Spool;

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

/// Why a request body ended early. The client is the cause, unless it is `Spool`.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client sent nothing for the body timeout.
    #[error("client sent nothing for the body timeout")]
    Timeout,
    /// The client sent less than it had to, for longer than it may.
    #[error("client sent less than {0} bytes a second")]
    TooSlow(u64),
    /// The client closed the connection.
    #[error("client closed the connection inside the body")]
    Incomplete,
    /// The client broke its framing.
    #[error("malformed framing of the body")]
    Malformed,
    /// More bytes than the route allows.
    #[error("more than the limit of {0} bytes")]
    TooLarge(u64),
    /// The bytes we hold cannot be read back.
    #[error("spool: {0}")]
    Spool(io::Error),
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

impl BodyError {
    /// The word that names the failure in the `Bridgehead-Error` field and in the access log.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Timeout => "client_timeout",
            Self::TooSlow(_) => "client_too_slow",
            Self::Incomplete => "client_gone",
            Self::Malformed => "bad_body",
            Self::TooLarge(_) => "body_too_large",
            Self::Spool(_) => "spool_failed",
        }
    }
}
