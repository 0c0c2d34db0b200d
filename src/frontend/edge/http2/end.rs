//! What ends a connection from our side: its listener leaves, no request comes, a head does not come to its end, or an
//! answer is never taken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::futures::Notified;

use super::super::idle::Idle;
use super::super::in_force::InForce;
use super::super::leaving::Leaving;
use crate::frontend::connection::Connection;
use crate::frontend::current::Current;
use crate::frontend::keep_alive::KeepAlive;
use crate::transport::Deadline;

/// The reasons that a connection is looked at for.
pub(super) struct End {
    leaving: Leaving,
    idle: Idle,
    /// Once it was told to go: how long what its client does not take may keep it.
    rest: Option<Idle>,
    /// The number of the head that is being received.
    head: Option<u64>,
    /// Runs from its first byte to its last.
    deadline: Deadline,
    /// Runs from the beginning of the connection, where there is an end to that.
    lifetime: Deadline,
    settings: InForce,
}

impl End {
    /// Of a connection that begins now.
    pub(super) fn new(connection: &Arc<Connection>, settings: InForce) -> Self {
        Self {
            leaving: Leaving::default(),
            idle: Idle::new(connection.clone(), settings.timeouts().idle),
            rest: None,
            head: None,
            deadline: Deadline::never(),
            lifetime: Deadline::never(),
            settings,
        }
    }

    /// Goes by the settings of now, for what begins from now on.
    pub(super) fn renew(&mut self, current: &Current) {
        if self.settings.renew(current) {
            self.idle.set_period(self.settings.timeouts().idle);
            self.lifetime.clear();
        }
    }

    /// Ready when a head takes too long.
    pub(super) fn poll_head(&mut self, head: Option<u64>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.head, head) != head {
            match head {
                Some(_) => self.deadline.set(self.settings.timeouts().head),
                None => self.deadline.clear(),
            }
        }
        self.deadline.poll(cx)
    }

    /// Ready when the connection was told to go, and no request has kept it since. Of an answer whose last piece h2 holds
    /// for a window that was closed again, no other deadline knows.
    pub(super) fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.rest {
            Some(rest) => rest.poll(cx),
            None => Poll::Pending,
        }
    }

    /// Whether the connection has had its requests, or its time.
    fn is_spent(&mut self, connection: &Connection, cx: &mut Context<'_>) -> bool {
        let keep_alive = self.settings.keep_alive();
        if keep_alive == KeepAlive::default() {
            return false;
        }
        if !keep_alive.lifetime.is_zero() && !self.lifetime.is_set() {
            self.lifetime.set_at(connection.since + keep_alive.lifetime);
        }
        self.lifetime.poll(cx).is_ready() || connection.is_spent(keep_alive, connection.since)
    }

    /// Ready once, when the connection is to leave, has had what it may have, or was idle for too long.
    pub(super) fn poll_leave(
        &mut self,
        connection: &Arc<Connection>,
        news: Pin<&mut Notified<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.rest.is_some() {
            return Poll::Pending;
        }
        if self.leaving.poll_ready(&connection.leave, news, cx).is_pending() && !self.is_spent(connection, cx)
        {
            ready!(self.idle.poll(cx));
        }
        self.rest = Some(Idle::new(connection.clone(), self.settings.timeouts().send));
        Poll::Ready(())
    }
}
