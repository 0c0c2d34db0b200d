//! An answer as it comes from its worker.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::body::FramedBody;
use super::error::Failure;
use super::http::HttpBody;
use super::relay::Relays;

/// The rest of an answer, with the worker that writes it. Finished: the connection goes back to the pool. Dropped: it
/// is closed, unless the application is to finish.
pub struct Source {
    /// `None` only while it is dropped.
    answer: Option<Answer>,
    relays: Relays,
    /// Let the application finish when nobody wants the rest.
    ignore_abort: bool,
}

/// What the protocols have in common.
enum Answer {
    /// FastCGI, uwsgi, SCGI.
    Framed(FramedBody),
    /// HTTP.
    Http(HttpBody),
}

impl Source {
    /// From a FastCGI, uwsgi or SCGI backend.
    pub(super) fn framed(body: FramedBody, relays: &Relays, ignore_abort: bool) -> Self {
        Self::new(Answer::Framed(body), relays, ignore_abort)
    }

    /// From an HTTP backend.
    pub(super) fn http(body: HttpBody, relays: &Relays, ignore_abort: bool) -> Self {
        Self::new(Answer::Http(body), relays, ignore_abort)
    }

    fn new(answer: Answer, relays: &Relays, ignore_abort: bool) -> Self {
        Self {
            answer: Some(answer),
            relays: relays.clone(),
            ignore_abort,
        }
    }

    /// The next bytes.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match &mut self.answer {
            Some(answer) => answer.poll_chunk(cx),
            None => Poll::Ready(None),
        }
    }

    /// Whether all of it was read and the worker is free.
    pub(super) fn is_over(&self) -> bool {
        self.answer.as_ref().is_none_or(Answer::is_over)
    }

    /// Bytes still to come, when their number is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.answer.as_ref().map_or(Some(0), Answer::remaining)
    }

    /// Those that read ahead.
    pub(super) fn relays(&self) -> &Relays {
        &self.relays
    }
}

/// Whoever has all announced bytes asks no more before the end mark has come, and a client that leaves does not
/// either: what the application still has to do must not be cut off in the first case, unless it takes longer
/// than any pause may, and may not in the second.
impl Drop for Source {
    fn drop(&mut self) {
        let Some(answer) = self.answer.take().filter(|answer| !answer.is_over()) else {
            return;
        };
        if self.ignore_abort {
            self.relays.spawn(answer.drain());
        } else if answer.remaining() == Some(0) {
            let limit = answer.read_timeout();
            self.relays.spawn(async move {
                // In vain: dropped, which closes the connection.
                let _ = tokio::time::timeout(limit, answer.drain()).await;
            });
        }
    }
}

impl Answer {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match self {
            Self::Framed(body) => body.poll_chunk(cx),
            Self::Http(body) => body.poll_chunk(cx),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Framed(body) => body.is_over(),
            Self::Http(body) => body.is_over(),
        }
    }

    fn remaining(&self) -> Option<u64> {
        match self {
            Self::Framed(body) => body.remaining(),
            Self::Http(body) => body.remaining(),
        }
    }

    fn read_timeout(&self) -> Duration {
        match self {
            Self::Framed(body) => body.read_timeout(),
            Self::Http(body) => body.read_timeout(),
        }
    }

    /// Reads to the end, within the deadlines of the exchange.
    async fn drain(mut self) {
        while let Some(Ok(_)) = poll_fn(|cx| self.poll_chunk(cx)).await {}
    }
}
