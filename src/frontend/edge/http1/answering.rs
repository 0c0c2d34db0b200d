//! An answer on its way out: its head, what there is of its body, and what comes after it.

use std::io;
use std::task::{Context, Poll, ready};

use http::Version;
use tokio::time::Instant;

use super::{After, Http1};
use crate::frontend::edge::date;
use crate::frontend::edge::sending::{Form, Sending, Shape};
use crate::frontend::exchange::Exchange;
use crate::protocol::http1::answer;
use crate::protocol::http1::{KeepAlive, Next, Rest};

/// Bytes of a file that are read at a time for a client with TLS.
const PIECE: usize = 64 * 1024;

/// Pieces of a file that one wake-up copies: a client that takes everything does not occupy a thread.
const TURN: usize = 4;

impl Http1 {
    /// Writes the head of an answer, which says what comes after it.
    pub(super) fn head(
        &mut self,
        mut exchange: Box<Exchange>,
        mut keep_alive: KeepAlive,
        form: Form,
        now: Instant,
    ) -> Sending {
        self.reclaim();
        if exchange.is_unanswered() {
            return Sending::nothing(exchange, form);
        }
        if self.connection().connected.is_secure() {
            // They are encrypted in memory: a client that takes nothing is to cost little.
            exchange.in_pieces(PIECE);
        }
        let shape = Shape::of(&exchange, form);
        let spent = self.connection().is_spent(self.settings.keep_alive(), now);
        if spent || exchange.ends_connection() || shape.is_endless() {
            keep_alive.end();
        }
        // Until all of it is sent: whatever ends the connection before must not look like the end of the answer.
        if shape.is_endless() {
            self.connection().cut();
        }
        let limit = exchange.send_timeout();
        self.writer
            .set_limit(limit.unwrap_or(self.settings.timeouts().send));
        let next = keep_alive.next(self.rest(), self.settings.discard());
        self.now = Some(now);
        let out = self.writer.head();
        let status = exchange.status();
        answer::put_head(
            &answer::Head {
                status,
                fields: exchange.fields(),
                length: shape
                    .length
                    .filter(|_| !matches!(status.as_u16(), 100..200 | 204)),
                chunked: shape.chunked,
                date: date::at(now.into_std()).as_bytes(),
                connection: match (exchange.switches(), next) {
                    (true, _) => answer::Connection::Upgrade,
                    (false, Next::Close) => answer::Connection::Close,
                    (false, _) if form.version == Version::HTTP_10 => answer::Connection::KeepAlive,
                    (false, _) => answer::Connection::Implied,
                },
            },
            out,
        );
        Sending {
            exchange,
            chunked: shape.chunked,
            endless: shape.is_endless(),
            form,
            next,
            complete: shape.bodiless || shape.length == Some(0),
            broken: false,
        }
    }

    /// How far the body of the request was read.
    fn rest(&self) -> Rest {
        match (&self.reader, &self.unread) {
            (None, _) => Rest::Unread(None),
            (Some(_), Some(unread)) => unread.1,
            (Some(_), None) => Rest::Taken,
        }
    }

    /// What comes after an answer; `sent`: all of it went out.
    pub(super) fn after(&mut self, sending: &mut Sending, sent: bool) -> After {
        if let Some(now) = self.now.filter(|_| sent) {
            sending.exchange.sent_at_once(now);
        }
        self.half_close.clear();
        match (sent && !sending.broken, sending.exchange.take_tunnel()) {
            // An answer that only the end of the connection delimits goes on to be cut.
            (false, _) => After::Close,
            (true, Some(tunnel)) => After::Switched(tunnel),
            (true, None) => {
                if sending.endless {
                    self.connection().spare();
                }
                self.follow(sending.next, sending.form)
            }
        }
    }

    /// Queues and writes what there is of an answer, until all of it is gone.
    pub(super) fn poll_send(&mut self, sending: &mut Sending, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut copied = 0;
        loop {
            while self.writer.queue.is_empty() && sending.exchange.is_file() {
                if copied >= TURN {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                copied += 1;
                ready!(self.poll_copy(sending, cx))?;
            }
            let waits = !sending.gather(&mut self.writer.queue, cx);
            let writes = !self.writer.queue.is_empty();
            match self.writer.poll_flush(cx) {
                Poll::Ready(Ok(())) if sending.complete => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    self.now = None;
                    if writes {
                        self.half_close.clear();
                    }
                    if !waits {
                        continue;
                    }
                    ready!(self.poll_gone(cx));
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.now = None;
                    sending.exchange.waits();
                    self.poll_drop_unread(cx);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Has the kernel copy some of a file.
    fn poll_copy(&mut self, sending: &mut Sending, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let writer = &mut self.writer;
        let sent = sending
            .exchange
            .poll_copy(|file, offset, count| writer.poll_send_file(cx, file, offset, count));
        self.now = None;
        if sent.is_pending() {
            sending.exchange.waits();
            self.poll_drop_unread(cx);
        }
        ready!(sent)?;
        self.half_close.clear();
        sending.complete = sending.exchange.is_over();
        Poll::Ready(Ok(()))
    }

    /// What comes after an answer that was sent.
    fn follow(&mut self, next: Next, form: Form) -> After {
        let quiet =
            self.unread.is_none() && self.reader.as_ref().is_some_and(|reader| reader.bytes.is_empty());
        match next {
            Next::Request => After::Next,
            Next::Discard => {
                self.now = None;
                After::Discard
            }
            Next::Close if form.last && quiet => After::Close,
            Next::Close => After::Linger,
        }
    }
}
