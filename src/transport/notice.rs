//! A message to many tasks that can be given once.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// A message that can be given once, and that costs next to nothing to look for.
#[derive(Debug, Default)]
pub struct Notice {
    given: AtomicBool,
    news: Notify,
}

impl Notice {
    /// Gives it to everybody, those who come later included.
    pub fn give(&self) {
        self.given.store(true, Ordering::Release);
        self.news.notify_waiters();
    }

    /// Whether it was given.
    pub fn is_given(&self) -> bool {
        self.given.load(Ordering::Acquire)
    }

    /// Wakes the task that has polled it, once, when it is given from then on: the look, [`is_given`](Self::is_given),
    /// comes behind the first poll. Smaller than [`given`](Self::given), for tasks of which there are many.
    pub fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    /// Waits until it is given.
    pub async fn given(&self) {
        let mut news = pin!(self.news.notified());
        // First in the list, then the look: nothing is missed in between.
        news.as_mut().enable();
        if !self.is_given() {
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn everybody_hears_of_it_early_and_late() {
        let notice = Arc::new(Notice::default());
        let waiting = notice.clone();
        let waits = tokio::spawn(async move { waiting.given().await });
        tokio::task::yield_now().await;
        assert!(!notice.is_given() && !waits.is_finished());
        notice.give();
        waits.await.unwrap();
        notice.given().await;
        assert!(notice.is_given());
    }
}
