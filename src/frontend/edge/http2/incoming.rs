//! The body of a request.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;

use super::window::ReceiveWindow;
use crate::frontend::upload;
use crate::upstream::{BodyError, Streaming};

/// What is left of a request. Its client may send more as it is read.
pub(super) struct Incoming {
    stream: RecvStream,
    window: Arc<ReceiveWindow>,
}

impl Incoming {
    /// The body of a request whose head has come.
    pub(super) fn new(stream: RecvStream, window: Arc<ReceiveWindow>) -> Self {
        Self { stream, window }
    }
}

impl Streaming for Incoming {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        // Trailers are dropped, as they must not become variables.
        let Some(data) = ready!(self.stream.poll_data(cx)) else {
            return Poll::Ready(None);
        };
        // A reset without an error is no end either.
        let Ok(data) = data else {
            return Poll::Ready(Some(Err(BodyError::Incomplete)));
        };
        self.window.taken(data.len());
        // An error: the stream was reset since, and with it its window.
        let _ = self.stream.flow_control().release_capacity(data.len());
        Poll::Ready(Some(Ok(data)))
    }
}

impl upload::Incoming for Incoming {
    fn is_over(&self) -> bool {
        self.stream.is_end_stream()
    }
}
