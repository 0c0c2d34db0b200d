//! Takes answers off their workers as fast as those can write, whatever the pace of the clients.
//!
//! An answer that is not complete with its head starts as what it is: read when the client is asked for more. Most
//! end so. The first chunk that is not sure to be taken at once makes it a relay: from then on a task reads into a
//! live spool, and gives the worker back at the end. The client reads from the spool.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::body::Body;
use super::error::Failure;
use super::source::Source;
use crate::protocol::fields::{FieldName, Fields};
use crate::spool::live::{LiveError, Reader, Writer};
use crate::spool::{Limits, Spools};
use crate::telemetry::Counters;

/// What the relays of a process share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Relays(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    spools: Spools,
    counters: Arc<Counters>,
    tasks: TaskTracker,
}

/// How an answer goes to its client.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Let the application finish when the client leaves.
    pub ignore_abort: bool,
    /// Take answers off their workers at once, and not at the pace of their clients. The application may decide
    /// otherwise about each: `X-Accel-Buffering: no`, `yes`. An event stream is never held back.
    pub buffered: bool,
    /// What an answer that is ahead of its client may take of memory and disk.
    pub limits: Limits,
    /// Bytes of head and body that the sender of the answer takes without waiting for the client. `None`: the sender
    /// says when the client is waited for, by [`Body::detach`].
    pub taken: Option<u32>,
    /// Hears of interim answers.
    pub interim: Option<&'a dyn Interim>,
    /// The time, as the caller has just read it: each look at the clock costs.
    pub now: Instant,
    /// Those that read ahead.
    pub relays: &'a Relays,
}

/// Hears of the heads that come before the final one (RFC 9110, section 15.2), 103 for instance; of one request after
/// all of its attempts. 100 and 101 are not among them.
pub trait Interim: Send + Sync {
    /// An interim answer with its end-to-end fields.
    fn interim(&self, status: StatusCode, fields: &Fields);
}

/// An answer's body that goes through a spool, as soon as it has to.
pub struct Buffered {
    /// Before there is a spool.
    source: Option<Source>,
    spool: Option<Reader<Failure>>,
    limits: Limits,
    /// What may go to the client before there is a spool; `None`: everything.
    allowance: Option<Allowance>,
    /// Bytes still to be given out, when their number is known.
    remaining: Option<u64>,
}

/// What the client's side takes without waiting for the client: it is sure to come back for more.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    bytes: usize,
    chunks: usize,
}

/// Chunks that an HTTP/2 stream takes without waiting for the client.
const CHUNKS: usize = 8;

impl Relays {
    /// None runs.
    pub fn new(spools: Spools, counters: Arc<Counters>) -> Self {
        let tasks = TaskTracker::new();
        // Closed, it says when it is empty.
        tasks.close();
        Self(Arc::new(Shared {
            spools,
            counters,
            tasks,
        }))
    }

    /// The same relays with other spools, for those to come.
    pub fn with(&self, spools: Spools) -> Self {
        Self(Arc::new(Shared {
            spools,
            counters: self.0.counters.clone(),
            tasks: self.0.tasks.clone(),
        }))
    }

    /// Where answers wait.
    pub fn spools(&self) -> &Spools {
        &self.0.spools
    }

    /// Ends when none runs.
    pub async fn finished(&self) {
        self.0.tasks.wait().await;
    }

    /// Those that run now.
    pub fn running(&self) -> usize {
        self.0.tasks.len()
    }

    /// Runs what must not end with its client. Without a runtime nothing does.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            self.0.tasks.spawn_on(task, &runtime);
        }
    }

    /// Reads an answer to its end into a spool.
    fn relay(&self, source: Source, spool: Writer<Failure>) {
        let counters = self.0.counters.clone();
        self.spawn(async move {
            let _open = counters.relays_open.open();
            relay(source, spool).await;
        });
    }
}

impl Options<'_> {
    /// The body of an answer that is not complete yet.
    pub(super) fn body(&self, source: Source, fields: &Fields) -> Body {
        if source.is_over() {
            return Body::Full(None);
        }
        if !self.is_buffered(fields) {
            return Body::Direct(Box::new(source));
        }
        let remaining = source.remaining();
        Body::Buffered(Box::new(Buffered {
            source: Some(source),
            spool: None,
            limits: self.limits,
            allowance: self.taken.map(|taken| Allowance {
                bytes: (taken as usize).saturating_sub(fields.wire_len()),
                chunks: CHUNKS,
            }),
            remaining,
        }))
    }

    /// The route's rule, unless the answer has its own.
    fn is_buffered(&self, fields: &Fields) -> bool {
        let asked = fields.get(FieldName::XAccelBuffering);
        let asks = |word: &[u8]| asked.is_some_and(|value| value.eq_ignore_ascii_case(word));
        let wanted = asks(b"yes") || self.buffered && !asks(b"no");
        wanted && !is_event_stream(fields)
    }
}

impl Buffered {
    /// Nobody is sure to ask soon: the answer goes into a spool from now on. Does nothing when it does already.
    pub fn detach(&mut self) {
        if let Some((source, spool)) = self.open() {
            let relays = source.relays().clone();
            relays.relay(source, spool);
        }
    }

    /// The next bytes.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let polled = match (&mut self.source, &mut self.spool) {
            (Some(source), _) => source.poll_chunk(cx),
            (None, Some(spool)) => spool.poll_chunk(cx).map_err(failure),
            (None, None) => Poll::Ready(None),
        };
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.given(chunk.len(), cx);
        }
        polled
    }

    /// Whether all of it was given out.
    pub(super) fn is_over(&self) -> bool {
        match (&self.source, &self.spool) {
            (Some(source), _) => source.is_over(),
            (None, Some(spool)) => spool.is_over(),
            (None, None) => true,
        }
    }

    /// Bytes still to be given out, when their number is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    fn given(&mut self, bytes: usize, cx: &mut Context<'_>) {
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(bytes as u64);
        }
        let Some(source) = &self.source else { return };
        if let Some(allowance) = &mut self.allowance
            && !source.is_over()
            && !allowance.covers(bytes)
        {
            self.read_on(cx);
        }
    }

    /// Takes what is there already: many an answer ends with it and needs no task.
    fn read_on(&mut self, cx: &mut Context<'_>) {
        let Some((mut source, mut spool)) = self.open() else {
            return;
        };
        while spool.is_ready() {
            match source.poll_chunk(cx) {
                Poll::Ready(Some(Ok(chunk))) => spool.push(chunk),
                Poll::Ready(Some(Err(failure))) => return spool.fail(failure),
                Poll::Ready(None) => return spool.finish(),
                Poll::Pending => break,
            }
        }
        let relays = source.relays().clone();
        relays.relay(source, spool);
    }

    /// A spool for what has not been given out.
    fn open(&mut self) -> Option<(Source, Writer<Failure>)> {
        let source = self.source.take()?;
        let (writer, reader) = source.relays().0.spools.live(self.limits);
        self.spool = Some(reader);
        Some((source, writer))
    }
}

impl Allowance {
    /// Whether so many bytes more are sure to be taken at once.
    fn covers(&mut self, bytes: usize) -> bool {
        let left = self.bytes.checked_sub(bytes).zip(self.chunks.checked_sub(1));
        let Some((bytes, chunks)) = left else { return false };
        *self = Self { bytes, chunks };
        true
    }
}

async fn relay(mut source: Source, mut spool: Writer<Failure>) {
    loop {
        // Dropped when nobody wants more: the source knows what that means.
        if !poll_fn(|cx| spool.poll_ready(cx)).await {
            return;
        }
        match poll_fn(|cx| next(&mut source, &mut spool, cx)).await {
            Some(Some(Ok(chunk))) => spool.push(chunk),
            Some(Some(Err(failure))) => return spool.fail(failure),
            Some(None) => return spool.finish(),
            None => return,
        }
    }
}

/// The next chunk or the end; `None` when nobody wants one.
fn next(
    source: &mut Source,
    spool: &mut Writer<Failure>,
    cx: &mut Context<'_>,
) -> Poll<Option<Option<Result<Bytes, Failure>>>> {
    match source.poll_chunk(cx) {
        Poll::Ready(chunk) => Poll::Ready(Some(chunk)),
        Poll::Pending => spool.poll_gone(cx).map(|()| None),
    }
}

fn failure(error: LiveError<Failure>) -> Failure {
    match error {
        LiveError::Source(failure) => failure,
        LiveError::Disk(error) => Failure::Spool(error),
        LiveError::Abandoned => Failure::Spool(std::io::Error::other("the relay was stopped")),
    }
}

/// Server-sent events are read one by one (WHATWG HTML, section 9.2).
fn is_event_stream(fields: &Fields) -> bool {
    let kind = fields.get(FieldName::ContentType);
    let kind = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
    kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
}
