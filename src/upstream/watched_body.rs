//! A request's body in hyper's hands, which says when the client is waited for.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::half_open::Written;
use super::request_body::{BodyError, RequestBody};

/// A client that uploads slowly must not use up the backend's deadlines; only the body can tell.
pub(super) struct WatchedBody {
    body: RequestBody,
    written: Written,
}

impl WatchedBody {
    pub(super) fn new(body: RequestBody, written: Written) -> Self {
        Self { body, written }
    }

    /// The body itself.
    pub(super) fn into_inner(mut self) -> RequestBody {
        std::mem::take(&mut self.body)
    }
}

/// hyper lets go of a body when it has all of it.
impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.written.wait_for_client(false);
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let chunk = this.body.poll_chunk(cx);
        this.written.wait_for_client(chunk.is_pending());
        chunk.map_ok(Frame::data)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        let remaining = self.body.remaining();
        remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
