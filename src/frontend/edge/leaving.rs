//! The wish of a listener that its connections leave.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::futures::Notified;

use crate::transport::Latch;

/// Whether a connection was asked to leave: told once, and for the price of a look at a flag.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    waits: bool,
    told: bool,
}

impl Leaving {
    /// `true` once, when the notice was given; `news` wakes for it.
    pub(super) fn poll(&mut self, leave: &Latch, news: Pin<&mut Notified<'_>>, cx: &mut Context<'_>) -> bool {
        if self.told {
            return false;
        }
        // Registered once: the waker of a task stays good. First in the list, then the look: nothing is missed in
        // between.
        if !std::mem::replace(&mut self.waits, true) {
            let _ = news.poll(cx);
        }
        self.told = leave.is_set();
        self.told
    }

    /// Ready once, likewise.
    pub(super) fn poll_ready(
        &mut self,
        leave: &Latch,
        news: Pin<&mut Notified<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        match self.poll(leave, news, cx) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}
