//! The bodies that we answer with.

use std::task::{Context, Poll};

use bytes::Bytes;

use super::broken::Broken;
use super::encoded::{Encoded, Plain};
use super::streaming_body::StreamingBody;
use super::tunnel::Tunnel;
use crate::files;
use crate::protocol::fields::Fields;
use crate::upstream;

/// The list of places that an answer can come from.
#[derive(Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes of ours.
    Full(Bytes),
    /// An application: all of its answer.
    Upstream(upstream::Body),
    /// An application: as its answer comes.
    StreamingBody(Box<StreamingBody>),
    /// A file.
    File(files::Body),
    /// One of these, in a content coding.
    Encoded(Box<Encoded<Self>>),
    /// None: the connection becomes a tunnel.
    Tunnel(Box<Tunnel>),
    /// None, and no head either: the connection, or the stream, ends.
    Unanswered,
}

impl Body {
    /// The next bytes.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        match self {
            Self::Empty | Self::Tunnel(_) | Self::Unanswered => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(bytes)))
            }
            Self::Upstream(body) => body.poll_chunk(cx).map_err(Broken::Upstream),
            Self::StreamingBody(body) => body.poll_chunk(cx),
            Self::File(body) => body.poll_chunk(cx).map_err(Broken::File),
            Self::Encoded(body) => body.poll_chunk(cx),
        }
    }

    /// The fields behind an application's body, once that was given out.
    pub fn take_trailers(&mut self) -> Option<Box<Fields>> {
        match self {
            Self::StreamingBody(body) => body.take_trailers(),
            Self::Encoded(body) => body.body().take_trailers(),
            // All of the others are whole.
            _ => None,
        }
    }

    /// Files are read in pieces of so many bytes, at most.
    pub fn in_pieces(&mut self, piece: usize) {
        match self {
            Self::File(body) => body.in_pieces(piece),
            Self::Encoded(body) => body.body().in_pieces(piece),
            _ => {}
        }
    }

    /// The client is slower than the application, which is not to wait for it.
    pub fn detach(&mut self) {
        match self {
            Self::Upstream(body) => body.detach(),
            Self::StreamingBody(body) => body.detach(),
            Self::Encoded(body) => body.detach(),
            Self::Empty | Self::Full(_) | Self::File(_) | Self::Tunnel(_) | Self::Unanswered => {}
        }
    }

    /// The file whose bytes the kernel may copy to the client's socket, if it is one.
    pub fn file(&mut self) -> Option<&mut files::Body> {
        match self {
            Self::File(body) if body.is_file() => Some(body),
            _ => None,
        }
    }

    /// Whether all of it was given out.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Empty | Self::Tunnel(_) | Self::Unanswered => true,
            Self::Full(_) => false,
            Self::Upstream(body) => body.is_over(),
            Self::StreamingBody(body) => body.is_over(),
            Self::File(body) => body.is_over(),
            Self::Encoded(body) => body.is_over(),
        }
    }

    /// Bytes still to be given out, when their number is known.
    pub fn remaining(&self) -> Option<u64> {
        match self {
            Self::Empty | Self::Tunnel(_) | Self::Unanswered => Some(0),
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::Upstream(body) => body.remaining(),
            Self::StreamingBody(body) => body.remaining(),
            Self::File(body) => body.remaining(),
            Self::Encoded(body) => body.is_over().then_some(0),
        }
    }
}

impl Plain for Body {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        self.poll_chunk(cx)
    }

    fn detach(&mut self) {
        self.detach();
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }
}
