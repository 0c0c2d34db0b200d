//! The number of client connections, and its limit.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::telemetry::{Counters, Reminder};

/// How often a reached limit is told.
const REMINDER: Duration = Duration::from_secs(60);

/// The most client connections at a time, and how many there are.
#[derive(Debug)]
pub struct ConnectionLimit {
    limit: AtomicUsize,
    taken: AtomicUsize,
    /// Told when there is room again, and when no connection is left.
    changed: Notify,
    reached: Reminder,
    counters: Arc<Counters>,
}

/// One client connection, tunnel included, as long as it lives.
#[derive(Debug)]
pub struct Permit(Arc<ConnectionLimit>);

impl ConnectionLimit {
    /// `limit` connections, none of them open.
    pub fn new(limit: usize, counters: Arc<Counters>) -> Self {
        Self {
            limit: AtomicUsize::new(limit),
            taken: AtomicUsize::new(0),
            changed: Notify::new(),
            reached: Reminder::every(REMINDER),
            counters,
        }
    }

    /// Changes the limit. No open connection is closed by it.
    pub fn limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// How many permits are out.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// A permit, above the limit, too. An acceptor that waits for [`ready`](Self::ready) first exceeds it by one
    /// connection at most.
    pub fn take(self: &Arc<Self>) -> Permit {
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.counters.connections_open.add();
        self.counters.connections.add(1);
        Permit(self.clone())
    }

    /// Waits until a permit is free. Clients that connect meanwhile wait in the kernel.
    pub async fn ready(&self) {
        if self.is_full() {
            self.remind();
            self.wait(|| !self.is_full()).await;
        }
    }

    /// Waits until no permit is out.
    pub async fn empty(&self) {
        self.wait(|| self.taken() == 0).await;
    }

    async fn wait(&self, until: impl Fn() -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // First in the list, then the look: nothing is missed in between.
            changed.as_mut().enable();
            if until() {
                return;
            }
            changed.await;
        }
    }

    fn is_full(&self) -> bool {
        self.taken() >= self.limit.load(Ordering::Relaxed)
    }

    /// Says that there is no room, once in a while.
    fn remind(&self) {
        if self.reached.happened(1, Instant::now().into_std()).is_some() {
            tracing::warn!(
                connections = self.taken(),
                "max_connections reached: new clients wait until others leave"
            );
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let limit = &*self.0;
        limit.counters.connections_open.remove();
        let before = limit.taken.fetch_sub(1, Ordering::Relaxed);
        if before == 1 || before >= limit.limit.load(Ordering::Relaxed) {
            limit.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(limit: usize) -> Arc<ConnectionLimit> {
        Arc::new(ConnectionLimit::new(limit, Arc::default()))
    }

    #[tokio::test]
    async fn at_the_limit_the_acceptor_waits_until_a_connection_closes() {
        let limit = limit(2);
        let (first, _second) = (limit.take(), limit.take());
        let mut waits = tokio::spawn({
            let limit = limit.clone();
            async move { limit.ready().await }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(first);
        (&mut waits).await.unwrap();
        assert_eq!(limit.counters.connections_open.value(), 1);
    }

    #[tokio::test]
    async fn a_higher_limit_is_in_force_at_once() {
        let limit = limit(1);
        let _first = limit.take();
        let waits = tokio::spawn({
            let limit = limit.clone();
            async move { limit.ready().await }
        });
        tokio::task::yield_now().await;
        limit.limit(2);
        waits.await.unwrap();
    }

    #[tokio::test]
    async fn the_last_connection_that_closes_is_noticed() {
        let limit = limit(10);
        limit.empty().await;
        let taken = [limit.take(), limit.take()];
        let waits = tokio::spawn({
            let limit = limit.clone();
            async move { limit.empty().await }
        });
        tokio::task::yield_now().await;
        drop(taken);
        waits.await.unwrap();
    }
}
