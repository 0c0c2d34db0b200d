//! The state of an HTTP/1 connection, and the one deadline that belongs to it.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::super::config::ClientTimeouts as Timeouts;
use crate::transport::Deadline;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// Waits for the first byte of a request.
    Idle,
    /// Has a part of a head.
    Head,
    /// Answers a request. Its body and its answer have deadlines of their own.
    Exchange,
    /// Carries another protocol.
    Switched,
    /// Was ended by us; reads what the client still sends.
    Closing,
}

/// A state, and how long it may last.
#[derive(Debug)]
pub(super) struct Stage {
    state: ConnectionState,
    deadline: Deadline,
}

impl Stage {
    /// A connection that has just been accepted.
    pub(super) fn new() -> Self {
        Self {
            state: ConnectionState::Exchange,
            deadline: Deadline::never(),
        }
    }

    /// Goes over to a state; its deadline begins with it and is not moved by what happens in it.
    pub(super) fn enter(&mut self, state: ConnectionState, timeouts: &Timeouts) {
        self.enter_at(state, timeouts, None);
    }

    /// The same for a caller that knows the time.
    pub(super) fn enter_at(&mut self, state: ConnectionState, timeouts: &Timeouts, now: Option<Instant>) {
        if self.state == state {
            return;
        }
        self.state = state;
        match limit(state, timeouts) {
            Some(limit) => self.deadline.set_at(now.unwrap_or_else(Instant::now) + limit),
            None => self.deadline.clear(),
        }
    }

    /// Shortens the state to `limit` from now.
    pub(super) fn shorten(&mut self, limit: Duration) {
        self.deadline.set(limit);
    }

    /// Ready when the state has lasted too long.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.deadline.poll(cx)
    }
}

fn limit(state: ConnectionState, timeouts: &Timeouts) -> Option<Duration> {
    match state {
        ConnectionState::Idle => Some(timeouts.idle),
        ConnectionState::Head => Some(timeouts.head),
        ConnectionState::Closing => Some(timeouts.linger),
        ConnectionState::Exchange | ConnectionState::Switched => None,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_state_has_its_own_deadline_from_its_beginning() {
        let timeouts = Timeouts {
            idle: Duration::from_secs(3),
            head: Duration::from_secs(2),
            linger: Duration::from_secs(1),
            ..Timeouts::default()
        };
        let mut stage = Stage::new();
        for (state, seconds) in [
            (ConnectionState::Idle, 3),
            (ConnectionState::Head, 2),
            (ConnectionState::Closing, 1),
        ] {
            let start = Instant::now();
            stage.enter(state, &timeouts);
            tokio::time::advance(Duration::from_millis(500)).await;
            stage.enter(state, &timeouts);
            poll_fn(|cx| stage.poll_late(cx)).await;
            assert_eq!(start.elapsed().as_secs(), seconds, "{state:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_begins_late_has_all_of_its_time() {
        let timeouts = Timeouts {
            idle: Duration::from_secs(3),
            head: Duration::from_secs(2),
            ..Timeouts::default()
        };
        let mut stage = Stage::new();
        stage.enter(ConnectionState::Idle, &timeouts);
        tokio::time::advance(Duration::from_millis(2_800)).await;
        stage.enter(ConnectionState::Head, &timeouts);
        let start = Instant::now();
        poll_fn(|cx| stage.poll_late(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 2);
    }
}
