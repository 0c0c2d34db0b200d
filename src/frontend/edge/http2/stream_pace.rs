//! How long a stream waits for its client: without an end, it would hold what it has.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use crate::transport::Deadline;

tokio::task_local! {
    /// Of the stream that the task runs.
    static STREAM: Arc<StreamPace>;
}

/// Whether a stream waits for its client. PINGs and windows of other streams say nothing about that.
#[derive(Debug, Default)]
pub(super) struct StreamPace {
    /// The client was given bytes and has not taken enough of them to be given more.
    waits: AtomicBool,
    /// How often it took some.
    taken: AtomicUsize,
    /// It gets no answer.
    ended: AtomicBool,
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
}

/// Runs a stream until it ends, or is to end without an answer, or its client has taken nothing for too long: then it is
/// dropped, and with it what it holds. hyper resets the stream.
pub(super) fn watched<F>(stream: F, limit: Duration) -> impl Future<Output = ()> + Send + 'static
where
    F: Future<Output: Send> + Send + 'static,
{
    let pace = Arc::new(StreamPace::default());
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
        deadline.poll(cx)
    })
}
