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

/// The patience with a half-closed client. Few clients need it.
#[derive(Debug, Default)]
pub(super) struct HalfClose(Option<Box<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    end: Deadline,
    question: Deadline,
}

impl HalfClose {
    /// Ready when the client is gone, or has had `limit`.
    pub(super) fn poll(&mut self, reader: &Reader, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let Waiting { end, question } = &mut **self.0.get_or_insert_default();
        if !end.is_set() {
            end.set(limit);
        }
        loop {
            if end.poll(cx).is_ready() || reader.is_reset() {
                return Poll::Ready(());
            }
            if !question.is_set() {
                question.set(PERIOD);
            }
            ready!(question.poll(cx));
            question.clear();
        }
    }

    /// The client has taken bytes, or is answered: its time begins anew.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}
