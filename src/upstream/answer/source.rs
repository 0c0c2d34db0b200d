//! An answer as it comes from its worker.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::relays::Relays;
use super::running::RunningBody;
use crate::protocol::fields::Fields;
use crate::upstream::model::error::Failure;

/// The rest of an answer, with the worker that writes it. Finished: the connection goes back to the pool. Dropped: it
/// is closed, unless the application is to finish.
pub struct Source {
    /// `None` only while it is dropped.
    body: Option<RunningBody>,
    relays: Relays,
    /// Let the application finish when the rest is not wanted.
    ignore_abort: bool,
}

impl Source {
    /// What has not been given out of an answer.
    pub(in crate::upstream) fn new(body: RunningBody, relays: &Relays, ignore_abort: bool) -> Self {
        Self {
            body: Some(body),
            relays: relays.clone(),
            ignore_abort,
        }
    }

    /// Ends an answer that has no body (HEAD, 204, 304), whatever the application still sends: most end at once, and their
    /// connections can be kept. One that goes on is cut off, unless it is to finish.
    pub(in crate::upstream) fn discard(mut body: RunningBody, relays: &Relays, ignore_abort: bool) {
        if ignore_abort {
            return relays.spawn(drain(body));
        }
        body.discard(UNWANTED);
        relays.spawn(async move {
            // In vain: dropped, which closes the connection.
            let _ = tokio::time::timeout(UNWANTED_TIME, drain(body)).await;
        });
    }

    /// Nothing wants the rest: it is ended like that of an answer without a body.
    pub(super) fn abandon(mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_over()) {
            Self::discard(body, &self.relays, self.ignore_abort);
        }
    }

    /// The next bytes.
    pub(in crate::upstream) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Failure>>> {
        match &mut self.body {
            Some(body) => body.poll_chunk(cx),
            None => Poll::Ready(None),
        }
    }

    /// The fields behind the body, once that was read.
    pub(in crate::upstream) fn take_trailers(&mut self) -> Option<Box<Fields>> {
        self.body.as_mut()?.take_trailers()
    }

    /// Whether all of it was read and the worker is free.
    pub(in crate::upstream) fn is_over(&self) -> bool {
        self.body.as_ref().is_none_or(RunningBody::is_over)
    }

    /// Bytes still to come, when their number is known.
    pub(in crate::upstream) fn remaining(&self) -> Option<u64> {
        self.body.as_ref().map_or(Some(0), RunningBody::remaining)
    }

    /// Those that read ahead.
    pub(in crate::upstream) fn relays(&self) -> &Relays {
        &self.relays
    }
}

/// A client that has all announced bytes asks no more before the end mark has come, and one that leaves does not
/// either: what the application still has to do must not be cut off in the first case, unless it takes longer
/// than any pause may, and may not in the second.
impl Drop for Source {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_over()) else {
            return;
        };
        if self.ignore_abort {
            self.relays.spawn(drain(body));
        } else if body.remaining() == Some(0) {
            let limit = body.read_timeout();
            self.relays.spawn(async move {
                // In vain: dropped, which closes the connection.
                let _ = tokio::time::timeout(limit, drain(body)).await;
            });
        }
    }
}

/// Bytes of a body that no client gets which are read for the sake of the connection.
const UNWANTED: usize = 64 * 1024;

/// How long they are waited for.
const UNWANTED_TIME: Duration = Duration::from_secs(1);

/// Reads to the end, within the deadlines of the exchange.
async fn drain(mut body: RunningBody) {
    while let Some(Ok(_)) = poll_fn(|cx| body.poll_chunk(cx)).await {}
}
