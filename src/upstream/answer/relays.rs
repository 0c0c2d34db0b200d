//! What goes on without the client: requests that it has left, answers that are read ahead of it. A stop waits for it.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
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

    /// Runs a request that goes on when its client leaves; gives what it comes to.
    pub fn detach<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, answered) = oneshot::channel();
        self.spawn(async move {
            // Without a client it is dropped here: what goes on of it is known before this ends.
            let _ = answer.send(request.await);
        });
        answered
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::spool::SpoolConfig;

    /// What tells at its end how many tasks run.
    struct Ends(Relays, oneshot::Sender<usize>);

    impl Drop for Ends {
        fn drop(&mut self) {
            let (sender, _) = oneshot::channel();
            let told = std::mem::replace(&mut self.1, sender);
            let _ = told.send(self.0.running());
        }
    }

    fn relays() -> Relays {
        let spools = Spools::new(SpoolConfig {
            temp_dir: std::env::temp_dir(),
            disk_total: 0,
            memory_total: 0,
        });
        Relays::new(spools, Arc::default())
    }

    #[tokio::test]
    async fn a_request_without_its_client_is_waited_for() {
        let relays = relays();
        let (go, gone) = oneshot::channel();
        drop(relays.detach(gone));
        assert_eq!(relays.running(), 1);
        go.send(()).unwrap();
        relays.finished().await;
        let stays = relays.detach(pending::<()>());
        assert_eq!(relays.running(), 1);
        drop(stays);
        assert_eq!(relays.running(), 1);
    }

    #[tokio::test]
    async fn an_answer_without_its_client_ends_while_it_is_waited_for() {
        let relays = relays();
        let (told, running) = oneshot::channel();
        let answer = Ends(relays.clone(), told);
        drop(relays.detach(async { answer }));
        assert_eq!(running.await, Ok(1));
        relays.finished().await;
    }
}
