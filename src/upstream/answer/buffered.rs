//! Takes answers off their workers as fast as those can write, whatever the pace of the clients.
//!
//! An answer that is not complete with its head starts as what it is: read when the client is asked for more. Most
//! end so. A client that does not take what it was given makes it a relay: from then on a task reads into a live spool,
//! and gives the worker back at the end. The client reads from the spool.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::options::Options;
use super::source::Source;
use crate::protocol::fields::Fields;
use crate::spool::Limits;
use crate::spool::live::{LiveError, Reader, Writer};
use crate::upstream::model::Failure;

/// An answer's body that goes through a spool, as soon as it has to.
pub struct Buffered {
    /// Before there is a spool.
    source: Option<Source>,
    spool: Option<Reader<Ending>>,
    limits: Limits,
    /// Bytes still to be given out, when their number is known.
    remaining: Option<u64>,
    /// Found behind the bytes of the spool, and not taken.
    trailers: Option<Box<Fields>>,
}

/// What an answer in a spool ends with, unless it is nothing.
#[derive(Debug)]
enum Ending {
    Failed(Failure),
    Trailers(Box<Fields>),
}

impl Buffered {
    /// An answer under these options.
    pub(super) fn new(source: Source, options: &Options<'_>) -> Self {
        let remaining = source.remaining();
        Self {
            source: Some(source),
            spool: None,
            limits: options.limits,
            remaining,
            trailers: None,
        }
    }

    /// It is not sure that more is asked for soon: the answer goes into a spool from now on. Does nothing when it does already.
    pub fn detach(&mut self) {
        if let Some((source, spool)) = self.open() {
            start(source, spool);
        }
    }

    /// Nothing wants the rest.
    pub(super) fn abandon(self) {
        if let Some(source) = self.source {
            source.abandon();
        }
    }

    /// The next bytes.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let polled = match (&mut self.source, &mut self.spool) {
            (Some(source), _) => source.poll_chunk(cx),
            (None, Some(spool)) => {
                let next = ready!(spool.poll_chunk(cx));
                Poll::Ready(self.spooled(next))
            }
            (None, None) => Poll::Ready(None),
        };
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.given(chunk.len());
        }
        polled
    }

    /// The fields behind the body, once that was given out.
    pub(super) fn take_trailers(&mut self) -> Option<Box<Fields>> {
        match &mut self.source {
            Some(source) => source.take_trailers(),
            None => self.trailers.take(),
        }
    }

    /// What the spool has given.
    fn spooled(&mut self, next: Option<Result<Bytes, LiveError<Ending>>>) -> Option<Result<Bytes, Failure>> {
        match next? {
            Ok(chunk) => Some(Ok(chunk)),
            Err(LiveError::Source(Ending::Trailers(trailers))) => {
                self.trailers = Some(trailers);
                None
            }
            Err(LiveError::Source(Ending::Failed(failure))) => Some(Err(failure)),
            Err(LiveError::Disk(error)) => Some(Err(Failure::Spool(error))),
            Err(LiveError::Abandoned) => {
                let stopped = std::io::Error::other("the relay was stopped");
                Some(Err(Failure::Spool(stopped)))
            }
        }
    }

    /// Whether all of it was given out.
    pub(super) fn is_over(&self) -> bool {
        if self.trailers.is_some() {
            return false;
        }
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

    fn given(&mut self, bytes: usize) {
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(bytes as u64);
        }
    }

    /// A spool for what has not been given out.
    fn open(&mut self) -> Option<(Source, Writer<Ending>)> {
        let source = self.source.take()?;
        let (writer, reader) = source.relays().spools().live(self.limits);
        self.spool = Some(reader);
        Some((source, writer))
    }
}

/// Reads an answer to its end into a spool, as a task of its own.
fn start(source: Source, spool: Writer<Ending>) {
    let relays = source.relays().clone();
    relays.relay(relay(source, spool));
}

async fn relay(mut source: Source, mut spool: Writer<Ending>) {
    loop {
        // Dropped when no more is wanted: the source knows what that means.
        if !poll_fn(|cx| spool.poll_ready(cx)).await {
            return;
        }
        match poll_fn(|cx| next(&mut source, &mut spool, cx)).await {
            Some(Some(Ok(chunk))) => spool.push(chunk),
            Some(Some(Err(failure))) => return spool.end(Ending::Failed(failure)),
            Some(None) => return finish(source, spool),
            None => return,
        }
    }
}

/// All of the body is in the spool.
fn finish(mut source: Source, spool: Writer<Ending>) {
    match source.take_trailers() {
        Some(trailers) => spool.end(Ending::Trailers(trailers)),
        None => spool.finish(),
    }
}

/// The next chunk or the end; `None` when none is wanted.
fn next(
    source: &mut Source,
    spool: &mut Writer<Ending>,
    cx: &mut Context<'_>,
) -> Poll<Option<Option<Result<Bytes, Failure>>>> {
    match source.poll_chunk(cx) {
        Poll::Ready(chunk) => Poll::Ready(Some(chunk)),
        Poll::Pending => spool.poll_gone(cx).map(|()| None),
    }
}
