//! The wish of a listener that its connections leave.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::transport::Notice;

/// Whether a connection was asked to leave: told once, and for the price of a look at a flag.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    waits: bool,
    told: bool,
}

impl Leaving {
    /// `true` once, when the notice was given; `given` is the wait for it.
    pub(super) fn poll(
        &mut self,
        leave: &Notice,
        given: Pin<&mut impl Future<Output = ()>>,
        cx: &mut Context<'_>,
    ) -> bool {
        if self.told {
            return false;
        }
        // Registered once: the waker of a task stays good.
        let waits = std::mem::replace(&mut self.waits, true);
        self.told = leave.is_given() || !waits && given.poll(cx).is_ready();
        self.told
    }

    /// Ready once, likewise.
    pub(super) fn poll_ready(
        &mut self,
        leave: &Notice,
        given: Pin<&mut impl Future<Output = ()>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        match self.poll(leave, given, cx) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}
