//! The timers of connections that were closed: for those that are opened next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::transport::Deadline;

/// Timers that no exchange waits for. They go on running, and wake nothing that matters when they fire.
///
/// To make a timer and to take it out of the runtime's list again costs as much as it does to write a request.
#[derive(Debug, Default)]
pub struct Timers(Mutex<Vec<Deadline>>);

/// Timers that are kept: as many connections are usually open at a time.
const KEPT: usize = 64;

impl Timers {
    /// One that is not set.
    pub(super) fn take(&self) -> Deadline {
        self.lock().pop().unwrap_or_default()
    }

    /// Takes one back.
    pub(super) fn give(&self, mut timer: Deadline) {
        timer.clear();
        let mut kept = self.lock();
        if timer.is_made() && kept.len() < KEPT {
            kept.push(timer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Deadline>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Has a timer made.
    async fn used(mut deadline: Deadline, after: Duration) -> Deadline {
        deadline.set(after);
        assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx))).await.is_pending());
        deadline
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_serves_the_next_connection_as_a_new_one_would() {
        let timers = Timers::default();
        for (first, next) in [(SECOND, 3 * SECOND), (3 * SECOND, SECOND)] {
            timers.give(used(timers.take(), first).await);
            let mut deadline = timers.take();
            assert!(deadline.is_made() && !deadline.is_set());
            let start = tokio::time::Instant::now();
            deadline.set(next);
            poll_fn(|cx| deadline.poll(cx)).await;
            assert_eq!(start.elapsed(), next);
        }
    }

    #[tokio::test]
    async fn what_was_never_made_is_not_kept_and_no_more_than_so_many_are() {
        let timers = Timers::default();
        timers.give(Deadline::never());
        assert_eq!(timers.lock().len(), 0);
        for _ in 0..=KEPT {
            timers.give(used(Deadline::never(), SECOND).await);
        }
        assert_eq!(timers.lock().len(), KEPT);
    }
}
