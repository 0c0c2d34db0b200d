//! An answer that goes on for a while, perhaps for longer than its upstream is configured.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::broken::Broken;
use crate::protocol::fields::Fields;
use crate::upstream::{self, Upstream};

/// The body of an application's answer that has not come completely with its head. Ends when its upstream has left
/// the configuration and the time of what was under way is over.
pub struct StreamingBody {
    body: upstream::Body,
    /// Lives as long as its last answer, so that it can be told when it has left the configuration.
    upstream: Arc<Upstream>,
    /// There as soon as the body has been waited for.
    watch: Option<Watch>,
}

struct Watch {
    retired: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The task that hears of it: registered again only when another one polls, as that takes a lock.
    waker: Waker,
}

impl StreamingBody {
    /// The body, until its upstream is retired.
    pub fn new(body: upstream::Body, upstream: Arc<Upstream>) -> Self {
        Self {
            body,
            upstream,
            watch: None,
        }
    }

    /// Polls the body; when it has nothing, sees to it that the end is noticed.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        if self.upstream.retired().is_set() {
            return Poll::Ready(Some(Err(Broken::Retired)));
        }
        let chunk = self.body.poll_chunk(cx);
        if chunk.is_pending() && self.poll_retired(cx).is_ready() {
            return Poll::Ready(Some(Err(Broken::Retired)));
        }
        chunk.map_err(Broken::Upstream)
    }

    fn poll_retired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(watch) = &self.watch
            && watch.waker.will_wake(cx.waker())
        {
            return Poll::Pending;
        }
        let retired = self.upstream.retired().clone();
        let watch = self.watch.get_or_insert_with(|| Watch {
            retired: Box::pin(async move { retired.wait().await }),
            waker: cx.waker().clone(),
        });
        watch.waker.clone_from(cx.waker());
        watch.retired.as_mut().poll(cx)
    }

    /// The fields behind the body, once that was given out.
    pub fn take_trailers(&mut self) -> Option<Box<Fields>> {
        self.body.take_trailers()
    }

    /// The client is slower than the application.
    pub fn detach(&mut self) {
        self.body.detach();
    }

    /// Nothing wants the rest.
    pub fn discard(self) {
        self.body.discard();
    }

    /// As the body says.
    pub fn is_over(&self) -> bool {
        self.body.is_over()
    }

    /// As the body says.
    pub fn remaining(&self) -> Option<u64> {
        self.body.remaining()
    }
}
