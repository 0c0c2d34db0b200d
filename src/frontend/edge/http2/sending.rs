//! The body of an answer on its way to its client: as fast as that opens its windows, and no faster.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, SendStream};

use super::head;
use crate::frontend::exchange::Exchange;
use crate::spool::Share;
use crate::transport::Deadline;

/// Bytes of an answer that wait in the library until the client's socket takes them, for each stream.
pub(super) const SEND_BUFFER: usize = 16 * 1024;

/// Bytes that a client has to take within each `timeouts.send`: a window that is opened byte by byte keeps no stream.
const LEAST: usize = 1024;

/// Bytes of a file that are read at a time for a client that takes them.
const FILE_PIECE: usize = 256 * 1024;

/// An answer whose head was sent.
pub(super) struct Sending {
    stream: SendStream<Bytes>,
    exchange: Box<Exchange>,
    /// What is left of a chunk.
    rest: Bytes,
    /// The chunk of which `rest` is left, as part of `spool.memory`.
    held: Share,
    /// Bytes that the client has to take for the deadline to begin anew.
    owed: usize,
    /// The client has taken bytes.
    taken: bool,
    /// `timeouts.send`.
    limit: Duration,
    /// Runs while the client does not take enough.
    deadline: Deadline,
}

impl Sending {
    /// Nothing of the body was sent. `held` counts what is held of it in memory.
    pub(super) fn new(
        stream: SendStream<Bytes>,
        exchange: Box<Exchange>,
        held: Share,
        limit: Duration,
    ) -> Self {
        Self {
            stream,
            exchange,
            rest: Bytes::new(),
            held,
            owed: 0,
            taken: false,
            limit,
            deadline: Deadline::never(),
        }
    }

    /// Ready when all of it was sent; or no more of it, as the client has left or takes nothing.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.stream.poll_reset(cx).is_ready() {
                return Poll::Ready(());
            }
            if self.rest.is_empty() && !ready!(self.poll_chunk(cx)) {
                return Poll::Ready(());
            }
            let Some(room) = ready!(self.poll_room(cx)) else {
                return Poll::Ready(());
            };
            if self.give(room) {
                return Poll::Ready(());
            }
        }
    }

    /// Takes the next chunk; `false`: there is none, and the stream was ended.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.held.set(0);
        self.exchange.in_pieces(self.piece());
        while self.rest.is_empty() {
            match ready!(self.exchange.poll_chunk(cx)) {
                Some(Ok(chunk)) => self.rest = chunk,
                Some(Err(_)) => {
                    self.stream.send_reset(Reason::INTERNAL_ERROR);
                    return Poll::Ready(false);
                }
                None => {
                    self.end();
                    return Poll::Ready(false);
                }
            }
        }
        self.held.set(self.rest.len() as u64);
        Poll::Ready(true)
    }

    /// Bytes that the client has room for; `None`: it has left, or was given up.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        self.stream.reserve_capacity(self.rest.len().min(SEND_BUFFER));
        loop {
            let room = self.stream.capacity();
            if room > 0 {
                return Poll::Ready(Some(room));
            }
            match self.stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        self.exchange.waits();
        if !self.deadline.is_set() {
            self.owed = self.rest.len().min(LEAST);
            self.deadline.set(self.limit);
        }
        self.deadline.poll(cx).map(|()| None)
    }

    /// Gives the client as many bytes; whether they were the last ones.
    fn give(&mut self, room: usize) -> bool {
        let piece = self.rest.split_to(self.rest.len().min(room));
        self.owed = self.owed.saturating_sub(piece.len());
        self.taken = true;
        if self.owed == 0 {
            self.deadline.clear();
        }
        let last = self.rest.is_empty() && self.is_over();
        // An error: the client has just left, which the next look at the stream tells.
        let _ = self.stream.send_data(piece, last);
        last
    }

    /// Whether nothing follows. With the announced length the client has everything, though the application may go on
    /// for a while.
    fn is_over(&self) -> bool {
        self.exchange.is_over() || self.exchange.remaining() == Some(0)
    }

    /// Says that the body is over.
    fn end(&mut self) {
        let _ = match self.exchange.take_trailers() {
            None => self.stream.send_data(Bytes::new(), true),
            Some(trailers) => self.stream.send_trailers(head::fields(&trailers)),
        };
    }

    /// Bytes of a file that are read next: a client that takes nothing, and one of too many, is to cost little.
    fn piece(&self) -> usize {
        match self.taken && !self.held.is_spent() {
            true => FILE_PIECE,
            false => SEND_BUFFER,
        }
    }
}
