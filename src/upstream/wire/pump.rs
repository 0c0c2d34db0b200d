//! Drives one exchange on one connection: writes and reads at the same time, and knows how long to wait.
//!
//! An application may answer before it has read the request, and may stop reading: a failed write never
//! hides an answer that is on its way (reference, section 4, "early response").

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use super::request_body::RequestBody;
use super::stderr::Stderr;
use super::timers::Timers;
use crate::protocol::request::RequestId;
use crate::protocol::{DecodeError, EncodeError, Event, Exchange, Protocol, RequestHead, WriteQueue};
use crate::transport::buffers;
use crate::upstream::model::config::Timeouts;
use crate::upstream::model::error::Failure;

/// Bytes waiting to be written above which no more of the body is fetched.
const HIGH_WATER: usize = 64 * 1024;

/// An exchange under way.
pub struct Pump {
    connection: Box<Connection>,
    exchange: Box<dyn Exchange>,
    body: RequestBody,
    sending: Sending,
    receiving: Receiving,
    terms: Arc<Terms>,
    id: RequestId,
    /// The time, as long as nothing was waited for.
    now: Option<Instant>,
    /// The deadline runs. It starts again when what is waited for changes.
    waiting: bool,
    /// Any byte of the request went out.
    sent: bool,
    /// Any byte of an answer came.
    answered: bool,
    /// The codec has asked for more than was received.
    starved: bool,
    /// Bytes that may still come of an answer that nothing wants.
    unwanted: Option<usize>,
    /// Why reading ended, when it was not the end of the stream.
    broken: Option<std::io::Error>,
    /// There as soon as the application said something.
    stderr: Option<Box<Stderr>>,
}

/// What all exchanges of an upstream have in common.
#[derive(Debug)]
pub struct Terms {
    /// Its name.
    pub upstream: Arc<str>,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// Timers for fresh connections.
    pub timers: Timers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Body,
    Done,
    /// The application takes no more. Its answer may still come.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiving {
    Head,
    Body,
    Ended,
}

/// A request head as bytes, and what will understand the answer. Made before a connection is, so that a
/// request that no backend would take costs none.
pub struct PreparedRequest {
    exchange: Box<dyn Exchange>,
    queue: WriteQueue,
    id: RequestId,
}

impl PreparedRequest {
    /// Encodes the head.
    pub fn new(protocol: &dyn Protocol, head: &RequestHead) -> Result<Self, EncodeError> {
        let mut queue = WriteQueue::new();
        queue.adopt(buffers::take_output);
        let exchange = protocol.begin(head, &mut queue)?;
        Ok(Self {
            exchange,
            queue,
            id: head.id,
        })
    }
}

impl Pump {
    /// An exchange on a connection, begun `now`; nothing is written yet.
    pub fn new(
        prepared: PreparedRequest,
        body: RequestBody,
        mut connection: Box<Connection>,
        terms: Arc<Terms>,
        now: Instant,
    ) -> Self {
        let PreparedRequest { exchange, queue, id } = prepared;
        debug_assert!(connection.received.is_empty(), "bytes of another exchange");
        connection.queue = queue;
        match connection.deadline.is_made() {
            true => connection.deadline.clear(),
            false => connection.deadline = terms.timers.take(),
        }
        Self {
            connection,
            exchange,
            body,
            sending: Sending::Body,
            receiving: Receiving::Head,
            terms,
            id,
            now: Some(now),
            waiting: false,
            sent: false,
            answered: false,
            starved: true,
            unwanted: None,
            broken: None,
            stderr: None,
        }
    }

    /// The next event that concerns the client; error output is logged on the way.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Failure>> {
        loop {
            if let Some(event) = self.decode()? {
                return Poll::Ready(Ok(event));
            }
            if self.receiving == Receiving::Ended {
                return Poll::Ready(self.ended());
            }
            self.send(cx)?;
            match self.connection.poll_read(cx) {
                Poll::Ready(Ok(0)) => self.receiving = Receiving::Ended,
                Poll::Ready(Ok(bytes)) if self.received(bytes) => {}
                Poll::Ready(Ok(_)) => return Poll::Ready(Ok(Event::End { reusable: false })),
                Poll::Ready(Err(error)) => {
                    self.broken = Some(error);
                    self.receiving = Receiving::Ended;
                }
                Poll::Pending => return self.poll_deadline(cx).map(Err),
            }
        }
    }

    /// Like [`poll_event`](Self::poll_event), but without reading or writing: what is here already.
    pub fn decode(&mut self) -> Result<Option<Event>, Failure> {
        while !self.starved {
            let event = self.exchange.decode(&mut self.connection.received);
            match event.map_err(|error| failure(error, &*self.exchange))? {
                Some(Event::Stderr(piece)) => self.stderr().push(&piece),
                Some(event) => {
                    self.note(&event);
                    return Ok(Some(event));
                }
                None => self.starved = true,
            }
        }
        Ok(None)
    }

    #[cold]
    fn stderr(&mut self) -> &mut Stderr {
        let make = || Box::new(Stderr::new(self.id, self.terms.upstream.clone()));
        self.stderr.get_or_insert_with(make)
    }

    /// Whether PHP-FPM said that it does not find the script.
    pub fn script_is_unknown(&self) -> bool {
        self.stderr
            .as_ref()
            .is_some_and(|stderr| stderr.script_is_unknown())
    }

    /// Whether any byte of the request went out.
    pub fn has_sent(&self) -> bool {
        self.sent
    }

    /// Longest time between two reads of the answer's body.
    pub fn read_timeout(&self) -> Duration {
        self.terms.timeouts.read
    }

    /// Nothing wants the rest of the answer: after so many bytes more the exchange ends, and the connection with it.
    pub fn discard(&mut self, most: usize) {
        self.unwanted = Some(most);
    }

    /// Ends a failed exchange; the body may serve another attempt.
    pub fn into_body(self) -> RequestBody {
        self.body
    }

    /// The connection, after an [`Event::End`] that said it is reusable. `None` when something is left over.
    pub fn into_connection(mut self) -> Option<Box<Connection>> {
        let clean = self.sending == Sending::Done
            && self.connection.queue.is_empty()
            && self.connection.received.is_empty()
            && self.receiving != Receiving::Ended;
        if !clean {
            return None;
        }
        buffers::give_output(self.connection.queue.release());
        Some(self.connection)
    }

    /// Closes the connection. Its timer, and the buffer that the request was written into, are for others.
    pub fn close(self) {
        let Connection {
            deadline, mut queue, ..
        } = *self.connection;
        self.terms.timers.give(deadline);
        if queue.is_empty() {
            buffers::give_output(queue.release());
        }
    }

    /// The connection, after an [`Event::Switched`]. `None` when not all of the request went out: what follows it on
    /// the connection would be taken for the rest.
    pub fn into_switched(self) -> Option<Box<Connection>> {
        let complete = self.sending == Sending::Done && self.connection.queue.is_empty();
        complete.then_some(self.connection)
    }

    /// An interim answer buys no time: it says nothing about when the final one comes.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Interim(_) => return,
            Event::Head(_) => self.receiving = Receiving::Body,
            _ => {}
        }
        self.now = None;
        self.waiting = false;
    }

    /// Whether more may come.
    fn received(&mut self, bytes: usize) -> bool {
        self.answered = true;
        self.starved = false;
        // The head has one deadline for all of it: a drip of bytes must not hold a worker.
        if self.receiving == Receiving::Body {
            self.waiting = false;
        }
        let Some(left) = &mut self.unwanted else {
            return true;
        };
        let enough = bytes > *left;
        *left = left.saturating_sub(bytes);
        !enough
    }

    fn ended(&mut self) -> Result<Event, Failure> {
        let open = self.exchange.is_open();
        match (self.exchange.decode_eof(), self.broken.take()) {
            // No end, but a crash: only an application that closes on a body that it did not read resets in good order.
            (Ok(_), Some(_)) if open && matches!(self.body, RequestBody::Empty) => {
                Err(DecodeError::Truncated.into())
            }
            (Ok(event), _) => Ok(event),
            (Err(_), Some(error)) if !self.answered => Err(error.into()),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Writes what can be written.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        loop {
            self.fetch(cx)?;
            if self.connection.queue.is_empty() {
                if let Poll::Ready(Err(_)) = self.connection.poll_drain(cx) {
                    self.sending = Sending::Refused;
                }
                return Ok(());
            }
            match self.connection.poll_write(cx) {
                Poll::Ready(Ok(_)) => {
                    self.sent = true;
                    self.waiting = false;
                }
                Poll::Ready(Err(_)) => {
                    self.sending = Sending::Refused;
                    self.connection.queue.clear();
                    return Ok(());
                }
                Poll::Pending => return Ok(()),
            }
        }
    }

    /// Queues more of the body, up to the high-water mark.
    fn fetch(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        while self.sending == Sending::Body && self.connection.queue.len() < HIGH_WATER {
            match self.body.poll_chunk(cx) {
                Poll::Ready(Some(chunk)) => self.exchange.push_body(chunk?, &mut self.connection.queue),
                Poll::Ready(None) => {
                    self.exchange.finish_body(&mut self.connection.queue);
                    self.sending = Sending::Done;
                    self.waiting = false;
                }
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        let Some((limit, failure)) = self.limit() else {
            self.now = None;
            self.connection.deadline.clear();
            return Poll::Pending;
        };
        if !self.waiting {
            self.waiting = true;
            let now = self.now.take().unwrap_or_else(Instant::now);
            self.connection.deadline.set_at(now + limit);
        }
        self.connection.deadline.poll(cx).map(|()| failure)
    }

    /// How long may be waited for what is waited for. The client's slowness is not the backend's fault.
    fn limit(&self) -> Option<(Duration, Failure)> {
        if !self.connection.queue.is_empty() {
            return Some((self.terms.timeouts.send, Failure::SendTimeout));
        }
        match (self.sending, self.receiving) {
            (Sending::Body, _) => None,
            (_, Receiving::Head) => Some((self.terms.timeouts.head, Failure::HeadTimeout)),
            (_, Receiving::Body | Receiving::Ended) => Some((self.terms.timeouts.read, Failure::ReadTimeout)),
        }
    }
}

/// What is wrong with an answer, and where.
#[cold]
fn failure(error: DecodeError, exchange: &dyn Exchange) -> Failure {
    match (error, exchange.culprit()) {
        (DecodeError::Head(error), Some(line)) => Failure::Head {
            error,
            line: line.to_owned(),
        },
        (error, _) => error.into(),
    }
}

#[cfg(test)]
mod tests;
