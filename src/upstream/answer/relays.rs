//! Those that read answers ahead of their clients.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::spool::Spools;
use crate::telemetry::Counters;

/// What the relays of a process share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Relays(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    spools: Spools,
    counters: Arc<Counters>,
    tasks: TaskTracker,
}

impl Relays {
    /// None runs.
    pub fn new(spools: Spools, counters: Arc<Counters>) -> Self {
        let tasks = TaskTracker::new();
        // Closed, it says when it is empty.
        tasks.close();
        Self(Arc::new(Shared {
            spools,
            counters,
            tasks,
        }))
    }

    /// The same relays with other spools, for those to come.
    pub fn with(&self, spools: Spools) -> Self {
        Self(Arc::new(Shared {
            spools,
            counters: self.0.counters.clone(),
            tasks: self.0.tasks.clone(),
        }))
    }

    /// Where answers wait.
    pub fn spools(&self) -> &Spools {
        &self.0.spools
    }

    /// Ends when none runs.
    pub async fn finished(&self) {
        self.0.tasks.wait().await;
    }

    /// Those that run now.
    pub fn running(&self) -> usize {
        self.0.tasks.len()
    }

    /// Runs what must not end with its client. Without a runtime nothing does.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            self.0.tasks.spawn_on(task, &runtime);
        }
    }

    /// Runs what reads an answer ahead of its client, and counts it meanwhile.
    pub(super) fn relay(&self, task: impl Future<Output = ()> + Send + 'static) {
        let counters = self.0.counters.clone();
        self.spawn(async move {
            let _open = counters.relays_open.open();
            task.await;
        });
    }
}
