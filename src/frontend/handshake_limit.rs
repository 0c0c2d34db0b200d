//! How many TLS handshakes are answered at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Latch;

/// How often a reached limit is told.
const REMINDER: Duration = Duration::from_secs(60);

/// Handshakes cost memory and time before their client has proved anything. Above the limit, the one is given up that has
/// lasted longest: a client that means it needs a few round trips, an attacker never ends.
#[derive(Debug)]
pub struct HandshakeLimit {
    limit: usize,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    /// In the order in which they began.
    turns: BTreeMap<u64, Arc<Latch>>,
    told: Option<Instant>,
}

/// One handshake, as long as it lives.
#[derive(Debug)]
pub struct Turn<'a> {
    limit: &'a HandshakeLimit,
    number: u64,
    over: Arc<Latch>,
}

impl HandshakeLimit {
    /// `limit` at a time, at least one.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            running: Mutex::default(),
        }
    }

    /// How many at a time.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Begins one more; another one is given up for it, if need be.
    pub fn begin(&self) -> Turn<'_> {
        let over = Arc::new(Latch::default());
        let mut running = self.lock();
        if running.turns.len() >= self.limit {
            if let Some((_, oldest)) = running.turns.pop_first() {
                oldest.set();
            }
            running.remind(self.limit);
        }
        let number = running.next;
        running.next += 1;
        running.turns.insert(number, over.clone());
        Turn {
            limit: self,
            number,
            over,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn remind(&mut self, limit: usize) {
        if self.told.is_none_or(|told| told.elapsed() >= REMINDER) {
            self.told = Some(Instant::now());
            tracing::warn!(
                handshakes = limit,
                "[tls] max_handshakes reached: those that last longest are given up for new ones"
            );
        }
    }
}

impl Turn<'_> {
    /// Resolves when it is given up for another one.
    pub async fn given_up(&self) {
        self.over.wait().await;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.limit.lock().turns.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_the_limit_the_oldest_handshake_is_given_up() {
        let limit = HandshakeLimit::new(2);
        let (first, second) = (limit.begin(), limit.begin());
        drop(first);
        let third = limit.begin();
        assert!(!second.over.is_set(), "there was room");
        let fourth = limit.begin();
        assert!(second.over.is_set() && !third.over.is_set());
        drop((second, third, fourth));
        assert!(limit.lock().turns.is_empty());
    }
}
