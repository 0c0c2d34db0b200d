//! The body of a request on its way in: counted, limited, timed, and held until it is complete.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::config::{Buffering, Limits};
use super::pace::Pace;
use super::rejection::Rejection;
use crate::spool::{self, SpoolError, Spools};
use crate::transport::Deadline;
use crate::upstream::{BodyError, RequestBody};

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
    /// Takes the body of a request; `announced` is its `Content-Length`.
    ///
    /// A body over its limit is refused before a byte of it is asked for: hyper sends `100 Continue` only
    /// when the body is first polled.
    pub async fn take(
        body: Incoming,
        announced: Option<u64>,
        rules: &Rules,
        spools: &Spools,
    ) -> Result<Self, Rejection> {
        admit(announced, &rules.limits)?;
        if body.is_end_stream() {
            return Ok(Self {
                body: RequestBody::Empty,
                length: announced,
                chunked: false,
            });
        }
        let timed = Timed::new(body, &rules.limits, rules.pause);
        if !rules.buffering.request && (announced.is_some() || rules.unknown_length) {
            let body = RequestBody::Stream(Box::pin(timed));
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
async fn hold(mut body: Timed, rules: &Rules, spools: &Spools) -> Result<(RequestBody, u64), Rejection> {
    let Some(first) = body.chunk().await? else {
        return Ok((RequestBody::Empty, 0));
    };
    if body.is_end_stream() {
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
    Ok((RequestBody::Spooled(spool), length))
}

/// The spool's own limit is the operator's decision about the disk, not about the request: 507, not 413.
fn full(error: SpoolError) -> Rejection {
    match error {
        SpoolError::TooLarge { .. } => Rejection::Spool(SpoolError::Quota),
        other => Rejection::Spool(other),
    }
}

/// A client's body that ends when the client pauses for too long, is too slow, or sends too much.
struct Timed {
    inner: Incoming,
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

impl Timed {
    fn new(inner: Incoming, limits: &Limits, pause: Duration) -> Self {
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

    /// The next piece of data; trailers are dropped, as they must not become variables.
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    fn counted(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if let Some(pace) = &mut self.pace {
            pace.earn(length);
        }
        self.left = self
            .left
            .checked_sub(length as u64)
            .ok_or(BodyError::TooLarge(self.limits.body))?;
        Ok(frame)
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                this.waited();
                Poll::Ready(frame.map(|frame| this.counted(frame.map_err(client)?)))
            }
            Poll::Pending => {
                if !this.deadline.is_set() {
                    this.wait();
                }
                this.deadline.poll(cx).map(|()| Some(Err(this.late())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Broken framing has its own kinds of I/O errors in hyper; everything else means that no more will come.
fn client(error: hyper::Error) -> BodyError {
    if std::error::Error::source(&error).is_some_and(is_malformed) {
        BodyError::Malformed
    } else {
        BodyError::Incomplete
    }
}

fn is_malformed(cause: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    matches!(kind, Some(InvalidData | InvalidInput))
}
