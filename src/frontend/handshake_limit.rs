//! How many TLS handshakes are answered at a time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How often a reached limit is told.
const REMINDER: Duration = Duration::from_secs(60);

/// Handshakes cost memory and time before their client has proved anything. More than the limit wait, in order, as long
/// as their deadline permits.
#[derive(Debug)]
pub struct HandshakeLimit {
    permits: Semaphore,
    limit: usize,
    told: Mutex<Option<Instant>>,
}

impl HandshakeLimit {
    /// `limit` at a time.
    pub fn new(limit: usize) -> Self {
        Self {
            permits: Semaphore::new(limit),
            limit,
            told: Mutex::new(None),
        }
    }

    /// How many at a time.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Waits for its turn. The semaphore is never closed.
    pub async fn take(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Some(permit);
        }
        self.remind();
        self.permits.acquire().await.ok()
    }

    fn remind(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= REMINDER) {
            *told = Some(Instant::now());
            tracing::warn!(
                handshakes = self.limit,
                "[tls] max_handshakes reached: new TLS connections wait until others have shaken hands"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn handshakes_above_the_limit_wait_for_their_turn() {
        let limit = HandshakeLimit::new(1);
        let first = limit.take().await;
        let mut second = Box::pin(limit.take());
        assert!(futures_poll(&mut second).await.is_none());
        drop(first);
        assert!(second.await.is_some());
    }

    /// Polls once.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
