//! The body of an answer, as the front end reads it.

use std::task::{Context, Poll};

use bytes::Bytes;

use super::buffered::Buffered;
use super::options::Options;
use super::source::Source;
use super::switched::Switched;
use crate::protocol::fields::Fields;
use crate::upstream::model::Failure;

/// The body of an answer. Finished: the connection goes back to the pool. Dropped: it is closed.
pub enum Body {
    /// All of it; the lease was given back before the answer was.
    Full(Option<Bytes>),
    /// As it comes; the client sets the pace.
    Direct(Box<Source>),
    /// As it comes, or through a spool when the client is slower than the application.
    Buffered(Box<Buffered>),
    /// None: the connection is a tunnel from now on.
    Switched(Box<Switched>),
}

impl Body {
    /// The body of an answer with these fields that is not complete yet.
    pub(in crate::upstream) fn of(source: Source, options: &Options<'_>, fields: &Fields) -> Self {
        if source.is_over() {
            return Self::Full(None);
        }
        match options.is_buffered(fields) {
            true => Self::Buffered(Box::new(Buffered::new(source, options))),
            false => Self::Direct(Box::new(source)),
        }
    }

    /// It is not sure that more is asked for soon: the worker must not wait for that, if it may be kept from it.
    pub fn detach(&mut self) {
        if let Self::Buffered(body) = self {
            body.detach();
        }
    }

    /// Nothing wants what has not been given out: the application may finish within bounds, and its connection is kept then.
    pub fn discard(self) {
        match self {
            Self::Direct(source) => source.abandon(),
            Self::Buffered(body) => body.abandon(),
            Self::Full(_) | Self::Switched(_) => {}
        }
    }

    /// The next bytes.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Self::Direct(source) => source.poll_chunk(cx),
            Self::Buffered(body) => body.poll_chunk(cx),
            Self::Switched(_) => Poll::Ready(None),
        }
    }

    /// The fields behind the body, once that was given out.
    pub fn take_trailers(&mut self) -> Option<Box<Fields>> {
        match self {
            Self::Full(_) | Self::Switched(_) => None,
            Self::Direct(source) => source.take_trailers(),
            Self::Buffered(body) => body.take_trailers(),
        }
    }

    /// Whether all of it was given out, the fields behind it included.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            Self::Direct(source) => source.is_over(),
            Self::Buffered(body) => body.is_over(),
            Self::Switched(_) => true,
        }
    }

    /// Bytes still to be given out, when their number is known.
    pub fn remaining(&self) -> Option<u64> {
        match self {
            Self::Full(bytes) => Some(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Direct(source) => source.remaining(),
            Self::Buffered(body) => body.remaining(),
            Self::Switched(_) => Some(0),
        }
    }
}
