//! A deadline that is cheap to move.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// A point in time that moves with every byte, over a timer that does not.
///
/// Setting it costs a look at the clock. The timer underneath is only touched when it fires too early, so
/// that a kept connection registers a timer once a period instead of several times a request.
#[derive(Debug, Default)]
pub struct Deadline {
    at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// What the timer wakes.
    waker: Option<Waker>,
}

impl Deadline {
    /// A deadline that never comes.
    pub fn never() -> Self {
        Self::default()
    }

    /// Moves it to `after` from now.
    pub fn set(&mut self, after: Duration) {
        self.set_at(Instant::now() + after);
    }

    /// Moves it to a point in time.
    pub fn set_at(&mut self, at: Instant) {
        self.at = Some(at);
    }

    /// It never comes, until set again. The timer stays for the next time.
    pub fn clear(&mut self) {
        self.at = None;
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.at.is_some()
    }

    /// Whether there is a timer underneath.
    pub fn is_made(&self) -> bool {
        self.timer.is_some()
    }

    /// Ready when it has come; pending for ever when it is not set.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        let waits = self
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()));
        match timer.deadline() > at {
            true => timer.as_mut().reset(at),
            // It runs, and will wake this task.
            false if waits && !timer.is_elapsed() => return Poll::Pending,
            false => {}
        }
        if !waits {
            self.waker = Some(cx.waker().clone());
        }
        loop {
            // A task that never waits for its peer has no budget left here: it is what deadlines are for.
            ready!(pin!(unconstrained(timer.as_mut())).poll(cx));
            if at <= Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_comes_when_it_was_last_set_to() {
        let mut deadline = Deadline::never();
        let start = Instant::now();
        deadline.set(SECOND);
        assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx))).await.is_pending());
        deadline.set(3 * SECOND);
        poll_fn(|cx| deadline.poll(cx)).await;
        assert_eq!(start.elapsed(), 3 * SECOND);
        deadline.set(10 * SECOND);
        assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx))).await.is_pending());
        deadline.set(SECOND);
        poll_fn(|cx| deadline.poll(cx)).await;
        assert_eq!(start.elapsed(), 4 * SECOND);
    }

    #[tokio::test]
    async fn it_comes_for_a_task_that_never_waits() {
        let mut deadline = Deadline::never();
        deadline.set(Duration::from_millis(20));
        let busy = poll_fn(|cx| {
            while pin!(tokio::task::consume_budget()).poll(cx).is_ready() {}
            deadline.poll(cx)
        });
        assert!(tokio::time::timeout(5 * SECOND, busy).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_cleared_one_never_comes() {
        let mut deadline = Deadline::never();
        deadline.set(SECOND);
        deadline.clear();
        let waited = tokio::time::timeout(100 * SECOND, poll_fn(|cx| deadline.poll(cx))).await;
        assert!(waited.is_err());
    }
}
