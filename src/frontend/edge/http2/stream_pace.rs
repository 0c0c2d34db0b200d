//! How long a stream waits for its client: without an end, it would hold what it has.

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Deadline;

tokio::task_local! {
    /// Of the stream that the task runs.
    static STREAM: Arc<StreamPace>;
}

/// Bytes that a client has to take within each `timeouts.send`. What takes less takes nothing: a window that is opened
/// byte by byte keeps no stream.
const LEAST: u32 = 1024;

/// Whether a stream waits for its client. PINGs and windows of other streams say nothing about that.
#[derive(Debug, Default)]
pub(super) struct StreamPace {
    /// The client was given bytes and has not taken enough of them to be given more.
    waits: AtomicBool,
    /// How often it was given more.
    taken: AtomicUsize,
    /// What it has taken meanwhile, where that is seen.
    progress: Mutex<Progress>,
    /// It gets no answer.
    ended: AtomicBool,
}

#[derive(Debug, Default)]
struct Progress {
    /// Fewer than [`LEAST`].
    bytes: u32,
    /// When there were [`LEAST`] of them.
    at: Option<Instant>,
}

impl StreamPace {
    /// That of the stream that the current task runs.
    pub(super) fn of_task() -> Arc<Self> {
        STREAM.try_with(Arc::clone).unwrap_or_default()
    }

    /// The client was given bytes.
    pub(super) fn given(&self) {
        self.waits.store(true, Ordering::Relaxed);
    }

    /// The stream gets no answer.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// The client has taken enough of them.
    pub(super) fn taken(&self) {
        self.waits.store(false, Ordering::Relaxed);
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// So many of them are on their way.
    pub(super) fn sent(&self, bytes: u32, now: &impl Fn() -> Instant) {
        let mut progress = self.lock();
        progress.bytes = progress.bytes.saturating_add(bytes);
        if progress.bytes >= LEAST {
            *progress = Progress {
                bytes: 0,
                at: Some(now()),
            };
        }
    }

    /// When the client had last taken enough to go on waiting for it.
    pub(super) fn progress(&self) -> Option<Instant> {
        self.lock().at
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a stream until it ends, or is to end without an answer, or its client has taken nothing for too long: then it is
/// dropped, and with it what it holds. hyper resets the stream.
pub(super) fn watched<F>(
    stream: F,
    pace: Arc<StreamPace>,
    limit: Duration,
) -> impl Future<Output = ()> + Send + 'static
where
    F: Future<Output: Send> + Send + 'static,
{
    STREAM.scope(pace.clone(), ended(stream, pace, limit))
}

fn ended<F>(stream: F, pace: Arc<StreamPace>, limit: Duration) -> impl Future<Output = ()> + Send + 'static
where
    F: Future<Output: Send> + Send + 'static,
{
    // Boxed: else it is copied into the task, and is there twice.
    let mut stream = Box::pin(stream);
    let mut deadline = Deadline::never();
    let mut seen = 0;
    poll_fn(move |cx| {
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !pace.waits.load(Ordering::Relaxed) {
            deadline.clear();
            return match pace.ended.load(Ordering::Relaxed) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            };
        }
        let taken = pace.taken.load(Ordering::Relaxed);
        if !deadline.is_set() || taken != seen {
            deadline.set(limit);
            seen = taken;
        }
        loop {
            ready!(deadline.poll(cx));
            match pace.progress().map(|at| at + limit) {
                Some(end) if end > Instant::now() => deadline.set_at(end),
                _ => return Poll::Ready(()),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    const SEND: Duration = Duration::from_secs(10);

    /// How long a stream lives whose client takes so many bytes each second, for a minute.
    async fn life(bytes: u32) -> Duration {
        let (pace, start) = (Arc::new(StreamPace::default()), Instant::now());
        pace.given();
        let taking = async {
            for _ in 0..60 {
                sleep(Duration::from_secs(1)).await;
                pace.sent(bytes, &Instant::now);
            }
            pending().await
        };
        let stream = watched(pending::<()>(), pace.clone(), SEND);
        tokio::select! {
            () = stream => {}
            () = taking => {}
        }
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_little_lives_and_one_that_drips_does_not() {
        assert_eq!(life(0).await, SEND);
        assert_eq!(life(LEAST / 11).await.as_secs(), 10);
        assert_eq!(life(LEAST / 5).await.as_secs(), 70, "until it takes no more");
    }
}
