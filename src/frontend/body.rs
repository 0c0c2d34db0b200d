//! The bodies that we answer with.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::lasting::Lasting;
use crate::files;
use crate::upstream::{self, Failure};

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
    Lasting(Box<Lasting>),
    /// A file.
    File(files::Body),
}

/// Why a body ended early. The head is gone: the client's connection is aborted.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The application.
    #[error(transparent)]
    Upstream(#[from] Failure),
    /// The file.
    #[error("reading a file: {0}")]
    File(#[from] std::io::Error),
    /// The upstream has left the configuration, and the time of its last answers is over.
    #[error("its upstream left the configuration, and timeouts.generation is over")]
    Retired,
}

impl Broken {
    /// The word in the access log.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Upstream(failure) => failure.reason(),
            Self::File(_) => "file_failed",
            Self::Retired => "retired",
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Upstream(body) => Pin::new(body).poll_frame(cx).map_err(Broken::Upstream),
            Self::Lasting(body) => body.poll_frame(cx),
            Self::File(body) => Pin::new(body).poll_frame(cx).map_err(Broken::File),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(_) => false,
            Self::Upstream(body) => body.is_end_stream(),
            Self::Lasting(body) => body.is_end_stream(),
            Self::File(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Upstream(body) => body.size_hint(),
            Self::Lasting(body) => body.size_hint(),
            Self::File(body) => body.size_hint(),
        }
    }
}
