//! The body of a request.
//!
//! A client that waits to be asked for it (RFC 9110, section 10.1.1) is asked when it is wanted.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;

use super::window::ReceiveWindow;
use crate::frontend::interim::InterimAnswers;
use crate::frontend::upload;
use crate::upstream::{BodyError, Streaming};

/// What is left of a request. Its client may send more as it is read.
pub(super) struct Incoming {
    /// `None`: there is no body.
    stream: Option<RecvStream>,
    window: Arc<ReceiveWindow>,
    /// How the client is asked for it, if it waits for that.
    awaited: Option<Arc<InterimAnswers>>,
}

impl Incoming {
    /// The body of a request whose head has come.
    pub(super) fn new(
        stream: Option<RecvStream>,
        window: Arc<ReceiveWindow>,
        awaited: Option<Arc<InterimAnswers>>,
    ) -> Self {
        Self {
            stream,
            window,
            awaited,
        }
    }
}

impl Streaming for Incoming {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(None);
        };
        let polled = stream.poll_data(cx);
        // A client that sends without being asked is not told to.
        if let Some(answers) = self.awaited.take()
            && polled.is_pending()
        {
            answers.invite();
        }
        // Trailers are dropped, as they must not become variables.
        let Some(data) = ready!(polled) else {
            return Poll::Ready(None);
        };
        // A reset without an error is no end either.
        let Ok(data) = data else {
            return Poll::Ready(Some(Err(BodyError::Incomplete)));
        };
        self.window.taken(data.len());
        // An error: the stream was reset since, and with it its window.
        let _ = stream.flow_control().release_capacity(data.len());
        Poll::Ready(Some(Ok(data)))
    }
}

impl upload::Incoming for Incoming {
    fn is_over(&self) -> bool {
        self.stream.as_ref().is_none_or(RecvStream::is_end_stream)
    }
}
