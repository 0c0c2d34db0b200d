//! The body of a request on its way in: counted, limited, timed, and held until it is complete.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::config::{Buffering, Limits};
use super::pace::Pace;
use super::rejection::Rejection;
use crate::spool::{self, SpoolError, Spools};
use crate::transport::{Deadline, buffers};
use crate::upstream::{BodyError, RequestBody, Streaming};

/// The body of a request as its connection reads it.
pub trait Incoming: Streaming + 'static {
    /// Whether all of it has been given out.
    fn is_over(&self) -> bool;
}

/// The body of a request that has none.
pub struct NoBody;

impl Streaming for NoBody {
    fn poll_chunk(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        Poll::Ready(None)
    }
}

impl Incoming for NoBody {
    fn is_over(&self) -> bool {
        true
    }
}

/// A request body with the length that the application is told.
pub struct Upload {
    /// What is sent upstream.
    pub body: RequestBody,
    /// `None`: the request has no body at all, unless `chunked`.
    pub length: Option<u64>,
    /// The length is not known and the body streams.
    pub chunked: bool,
}

/// How a body is to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Sizes.
    pub limits: Limits,
    /// Where it waits.
    pub buffering: Buffering,
    /// Longest pause of the client.
    pub pause: Duration,
    /// Whether the backend can take a body of unknown length.
    pub unknown_length: bool,
}

impl Upload {
    /// The body of a request that has none, though it may have `announced` an empty one.
    pub fn none(announced: Option<u64>) -> Self {
        Self {
            body: RequestBody::Empty,
            length: announced,
            chunked: false,
        }
    }

    /// Takes the body of a request; `announced` is its `Content-Length`.
    ///
    /// A body over its limit is refused before a byte of it is asked for: `100 Continue` is sent only when the body
    /// is first polled.
    pub async fn take(
        body: impl Incoming,
        announced: Option<u64>,
        rules: &Rules,
        spools: &Spools,
    ) -> Result<Self, Rejection> {
        admit(announced, &rules.limits)?;
        let timed = Timed::new(body, &rules.limits, rules.pause);
        if !rules.buffering.request && (announced.is_some() || rules.unknown_length) {
            let body = RequestBody::Stream(Box::new(timed));
            return Ok(Self {
                body,
                length: announced,
                chunked: announced.is_none(),
            });
        }
        let (body, length) = hold(timed, rules, spools).await?;
        Ok(Self {
            body,
            length: Some(length),
            chunked: false,
        })
    }
}

/// Refuses a body that announces to be over its limit.
pub fn admit(announced: Option<u64>, limits: &Limits) -> Result<(), BodyError> {
    match announced {
        Some(length) if length > limits.body => Err(BodyError::TooLarge(limits.body)),
        _ => Ok(()),
    }
}

/// Takes all of a body, in memory first, then on disk.
async fn hold<B: Incoming>(
    mut body: Timed<B>,
    rules: &Rules,
    spools: &Spools,
) -> Result<(RequestBody, u64), Rejection> {
    let Some(first) = body.chunk().await? else {
        return Ok((RequestBody::Empty, 0));
    };
    if body.is_over() && first.len() <= SMALL {
        let length = first.len() as u64;
        return Ok((RequestBody::full(first), length));
    }
    let limits = spool::Limits {
        memory: rules.buffering.memory,
        disk: rules.buffering.disk,
    };
    let mut writer = spools.writer(limits);
    let mut next = Some(first);
    while let Some(chunk) = next {
        writer.write(chunk).await.map_err(full)?;
        next = body.chunk().await?;
    }
    let spool = writer.finish().await.map_err(full)?;
    let length = spool.len();
    Ok((RequestBody::Spooled(Box::new(spool)), length))
}

/// Bytes of a body of one piece that is counted by nothing: it came with its head, or takes no more than that.
const SMALL: usize = buffers::SIZE;

/// The spool's own limit is the operator's decision about the disk, not about the request: 507, not 413.
fn full(error: SpoolError) -> Rejection {
    match error {
        SpoolError::TooLarge { .. } => Rejection::Spool(SpoolError::Quota),
        other => Rejection::Spool(other),
    }
}

/// A client's body that ends when the client pauses for too long, is too slow, or sends too much.
struct Timed<B> {
    inner: B,
    left: u64,
    limits: Limits,
    pause: Duration,
    /// Set while the client is waited for.
    deadline: Deadline,
    /// How slow it may be, if there is a limit.
    pace: Option<Pace>,
    /// The deadline is the pace's.
    slow: bool,
}

impl<B: Incoming> Timed<B> {
    fn new(inner: B, limits: &Limits, pause: Duration) -> Self {
        Self {
            inner,
            left: limits.body,
            limits: *limits,
            pause,
            deadline: Deadline::never(),
            pace: limits.upload().map(Pace::new),
            slow: false,
        }
    }

    /// The client is waited for.
    fn wait(&mut self) {
        let credit = self.pace.as_mut().map(|pace| pace.begin(Instant::now()));
        let left = credit.unwrap_or(self.pause);
        self.slow = left < self.pause;
        self.deadline.set(left.min(self.pause));
    }

    /// The client has sent something.
    fn waited(&mut self) {
        if let Some(pace) = &mut self.pace
            && self.deadline.is_set()
        {
            pace.end(Instant::now());
        }
        self.deadline.clear();
    }

    /// Why the deadline ends it.
    fn late(&self) -> BodyError {
        match self.slow {
            true => BodyError::TooSlow(self.limits.upload_rate),
            false => BodyError::Timeout,
        }
    }

    /// The next piece.
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        poll_fn(|cx| self.poll_chunk(cx)).await.transpose()
    }

    fn is_over(&self) -> bool {
        self.inner.is_over()
    }

    fn counted(&mut self, chunk: Bytes) -> Result<Bytes, BodyError> {
        if let Some(pace) = &mut self.pace {
            pace.earn(chunk.len());
        }
        self.left = self
            .left
            .checked_sub(chunk.len() as u64)
            .ok_or(BodyError::TooLarge(self.limits.body))?;
        Ok(chunk)
    }
}

impl<B: Incoming> Streaming for Timed<B> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self.inner.poll_chunk(cx) {
            Poll::Ready(chunk) => {
                self.waited();
                Poll::Ready(chunk.map(|chunk| self.counted(chunk?)))
            }
            Poll::Pending => {
                if !self.deadline.is_set() {
                    self.wait();
                }
                self.deadline.poll(cx).map(|()| Some(Err(self.late())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::SpoolConfig;

    /// A body that comes at once.
    struct Piece(Option<Bytes>);

    impl Streaming for Piece {
        fn poll_chunk(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
            Poll::Ready(self.0.take().map(Ok))
        }
    }

    impl Incoming for Piece {
        fn is_over(&self) -> bool {
            self.0.is_none()
        }
    }

    #[tokio::test]
    async fn a_body_of_one_large_piece_is_charged_for() {
        let spools = Spools::new(SpoolConfig::default());
        let rules = Rules {
            limits: Limits::default(),
            buffering: Buffering::default(),
            pause: Duration::from_secs(1),
            unknown_length: false,
        };
        for (length, charged) in [(SMALL, 0), (SMALL + 1, SMALL as u64 + 1)] {
            let piece = Piece(Some(vec![b'x'; length].into()));
            let upload = Upload::take(piece, None, &rules, &spools).await.unwrap();
            assert_eq!(upload.length, Some(length as u64));
            assert_eq!(spools.bytes_in_memory(), charged);
        }
        assert_eq!(spools.bytes_in_memory(), 0);
    }
}
