//! An answer of ours to a request whose body is not over: it waits for the end, where that is worth it.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use super::{Answering, Http1};
use crate::frontend::edge::sending::{Form, Sending};
use crate::frontend::exchange::Exchange;
use crate::protocol::http1::{KeepAlive, Rest};
use crate::transport::Deadline;

/// How long an answer of ours waits for the end of a body in chunks that nothing wants.
const PATIENCE: Duration = Duration::from_secs(1);

/// An answer to a request the end of whose body is not known yet. When its end is there, the connection can go on;
/// else the head of the answer says that it does not.
pub(super) struct Held {
    /// `None` once it is sent.
    exchange: Option<Box<Exchange>>,
    keep_alive: KeepAlive,
    form: Form,
    /// Bytes that may still be dropped.
    most: u64,
    patience: Deadline,
}

impl Http1 {
    /// Begins to send an answer of ours, now or when the request is over.
    pub(super) fn answered(
        &mut self,
        exchange: Box<Exchange>,
        keep_alive: KeepAlive,
        form: Form,
    ) -> Answering {
        let endless = self
            .unread
            .as_ref()
            .is_some_and(|unread| unread.1 == Rest::Unread(None));
        let ends = || exchange.ends_connection() || exchange.is_unanswered();
        if !endless || !keep_alive.waits_for_end() || ends() {
            let now = exchange.started();
            return Answering::Now(self.head(exchange, keep_alive, form, now));
        }
        let mut patience = Deadline::never();
        patience.set(PATIENCE);
        Answering::Held(Box::new(Held {
            exchange: Some(exchange),
            keep_alive,
            form,
            most: self.settings.discard(),
            patience,
        }))
    }

    /// Reads and drops what is left of the request. Then there is something to be sent; once.
    pub(super) fn poll_held(&mut self, held: &mut Held, cx: &mut Context<'_>) -> Poll<Option<Sending>> {
        self.poll_drop(cx, &mut held.most);
        match self.unread.as_ref().map(|unread| unread.1) {
            Some(Rest::Unread(_)) if held.most > 0 => ready!(held.patience.poll(cx)),
            Some(Rest::Taken) => self.unread = None,
            Some(Rest::Unread(_) | Rest::Broken) | None => {}
        }
        let Some(exchange) = held.exchange.take() else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(self.head(
            exchange,
            held.keep_alive,
            held.form,
            Instant::now(),
        )))
    }
}
