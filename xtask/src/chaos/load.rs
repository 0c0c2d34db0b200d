//! The load: requests at their times, whether earlier ones have been answered or not.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep_until;

use super::client::Client;
use super::link::Target;
use super::request::Request;
use super::sample::Sample;

/// What is sent, and how fast.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where ids begin.
    pub(crate) run: String,
    /// Requests in all.
    pub(crate) count: usize,
    /// Between two requests; zero sends all at once.
    pub(crate) interval: Duration,
    /// Some of them take long, see [`Request::ordinary`].
    pub(crate) long: bool,
    /// One of so many comes on a connection of its own.
    pub(crate) fresh: u64,
}

/// A load on a thread of its own.
#[derive(Debug)]
pub(crate) struct Load {
    thread: JoinHandle<Result<Vec<Sample>>>,
    progress: Arc<Progress>,
}

/// How far a load is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Progress {
    /// Requests that have ended.
    pub(crate) fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }

    /// Requests that are under way.
    pub(crate) fn open(&self) -> usize {
        self.begun.load(Ordering::Relaxed).saturating_sub(self.ended())
    }
}

impl Load {
    /// Begins to send.
    pub(crate) fn start(target: Target, plan: Plan) -> Self {
        let progress = Arc::new(Progress::default());
        let own = progress.clone();
        let thread = thread::spawn(move || block_on(send(target, plan, own))?);
        Self { thread, progress }
    }

    /// How far it is; counts on.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Waits until every request has ended.
    ///
    /// # Errors
    ///
    /// When there is no runtime to send from.
    pub(crate) fn finish(self) -> Result<Vec<Sample>> {
        self.thread.join().map_err(|_| anyhow!("the load panicked"))?
    }
}

/// Runs a future and the tasks that it spawns on this thread.
///
/// # Errors
///
/// When the runtime cannot be made.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot make a runtime")?;
    Ok(LocalSet::new().block_on(&runtime, future))
}

async fn send(target: Target, plan: Plan, progress: Arc<Progress>) -> Result<Vec<Sample>> {
    let client = Rc::new(Client::new(target));
    let places = Arc::new(Semaphore::new(CONCURRENCY));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for number in 0..plan.count {
        let due = start + plan.interval * u32::try_from(number)?;
        sleep_until(due.into()).await;
        let place = places.clone().acquire_owned().await?;
        let (client, progress) = (client.clone(), progress.clone());
        progress.begun.fetch_add(1, Ordering::Relaxed);
        let request = Request::ordinary(&plan.run, number, plan.long, plan.fresh);
        tasks.spawn_local(async move {
            let outcome = client.send(&request).await;
            drop(place);
            progress.ended.fetch_add(1, Ordering::Relaxed);
            Sample {
                id: request.id,
                posts: request.posts,
                due,
                latency: due.elapsed(),
                outcome,
            }
        });
    }
    Ok(tasks.join_all().await)
}

/// [`Plan::fresh`] where nothing else is said.
pub(crate) const HALF: u64 = 2;

/// Requests under way at once. At 250 a second this is not reached while the gateway holds requests for ten seconds.
const CONCURRENCY: usize = 4096;
