//! The number of client connections, and its limit.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::telemetry::Counters;

/// How often a lack of places is told.
const REMINDER: Duration = Duration::from_secs(60);

/// ConnectionLimit for client connections.
#[derive(Debug)]
pub struct ConnectionLimit {
    limit: AtomicUsize,
    taken: AtomicUsize,
    /// Told when there is room again, and when nobody is left.
    changed: Notify,
    told: Mutex<Option<Instant>>,
    counters: Arc<Counters>,
}

/// One client connection, tunnel included, as long as it lives.
#[derive(Debug)]
pub struct Permit(Arc<ConnectionLimit>);

impl ConnectionLimit {
    /// `limit` places, all of them free.
    pub fn new(limit: usize, counters: Arc<Counters>) -> Self {
        Self {
            limit: AtomicUsize::new(limit),
            taken: AtomicUsize::new(0),
            changed: Notify::new(),
            told: Mutex::new(None),
            counters,
        }
    }

    /// Changes their number. Nobody has to leave.
    pub fn limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a place, whether there is one or not: who waits for [`ConnectionLimit::room`] first keeps the limit, to which each
    /// listener may add one.
    pub fn take(self: &Arc<Self>) -> Permit {
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.counters.connections_open.add();
        self.counters.connections.add(1);
        Permit(self.clone())
    }

    /// Waits until a place is free. Who comes meanwhile waits in the kernel.
    pub async fn ready(&self) {
        if self.is_full() {
            self.remind();
            self.wait(|| !self.is_full()).await;
        }
    }

    /// Waits until all places are free.
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
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= REMINDER) {
            *told = Some(Instant::now());
            tracing::warn!(
                connections = self.taken(),
                "max_connections reached: new clients wait until others leave"
            );
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let places = &*self.0;
        places.counters.connections_open.remove();
        let before = places.taken.fetch_sub(1, Ordering::Relaxed);
        if before == 1 || before >= places.limit.load(Ordering::Relaxed) {
            places.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(limit: usize) -> Arc<ConnectionLimit> {
        Arc::new(ConnectionLimit::new(limit, Arc::new(Counters::new(&[]))))
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_until_somebody_leaves() {
        let places = places(2);
        let (first, _second) = (places.take(), places.take());
        let mut waits = tokio::spawn({
            let places = places.clone();
            async move { places.ready().await }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(first);
        (&mut waits).await.unwrap();
        assert_eq!(places.counters.connections_open.value(), 1);
    }

    #[tokio::test]
    async fn a_higher_limit_lets_waiting_ones_in_at_once() {
        let places = places(1);
        let _first = places.take();
        let waits = tokio::spawn({
            let places = places.clone();
            async move { places.ready().await }
        });
        tokio::task::yield_now().await;
        places.limit(2);
        waits.await.unwrap();
    }

    #[tokio::test]
    async fn the_last_one_to_leave_is_noticed() {
        let places = places(10);
        places.empty().await;
        let taken = [places.take(), places.take()];
        let waits = tokio::spawn({
            let places = places.clone();
            async move { places.empty().await }
        });
        tokio::task::yield_now().await;
        drop(taken);
        waits.await.unwrap();
    }
}
