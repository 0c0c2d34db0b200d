//! A message to many tasks that can be given once.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Set once, for all that look, early and late. A look costs next to nothing.
#[derive(Debug, Default)]
pub struct Latch {
    is_set: AtomicBool,
    news: Notify,
}

impl Latch {
    /// Sets it for all that wait, and all that will.
    pub fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.news.notify_waiters();
    }

    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Wakes the task that has polled it, once, when it is set from then on: the look, [`is_set`](Self::is_set),
    /// comes behind the first poll. Smaller than [`wait`](Self::wait), for tasks of which there are many.
    pub fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    /// Waits until it is set.
    pub async fn wait(&self) {
        let mut news = pin!(self.news.notified());
        // First in the list, then the look: nothing is missed in between.
        news.as_mut().enable();
        if !self.is_set() {
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_latch_is_seen_early_and_late() {
        let latch = Arc::new(Latch::default());
        let waiting = latch.clone();
        let waits = tokio::spawn(async move { waiting.wait().await });
        tokio::task::yield_now().await;
        assert!(!latch.is_set() && !waits.is_finished());
        latch.set();
        waits.await.unwrap();
        latch.wait().await;
        assert!(latch.is_set());
    }
}
