//! A client that has closed its sending side while it is answered.
//!
//! TCP cannot tell a client that still reads from one that is gone. Both have as long as a head may take; what the
//! client takes meanwhile shows that it reads; a reset shows that it is gone. The runtime tells no reset behind the end
//! of a stream, so that the socket is asked once in a while.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::reader::Reader;
use crate::transport::Deadline;

/// Between two questions.
const PERIOD: Duration = Duration::from_secs(1);

/// The patience with a half-closed client.
#[derive(Debug, Default)]
pub(super) struct HalfClose {
    end: Deadline,
    question: Deadline,
}

impl HalfClose {
    /// Ready when the client is gone, or has had `limit`.
    pub(super) fn poll(&mut self, reader: &Reader, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if !self.end.is_set() {
            self.end.set(limit);
        }
        loop {
            if self.end.poll(cx).is_ready() || reader.is_reset() {
                return Poll::Ready(());
            }
            if !self.question.is_set() {
                self.question.set(PERIOD);
            }
            ready!(self.question.poll(cx));
            self.question.clear();
        }
    }

    /// The client has taken bytes, or is answered: its time begins anew.
    pub(super) fn clear(&mut self) {
        self.end.clear();
        self.question.clear();
    }
}
