//! A thread that opens things, and how long it is waited for.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use tokio::sync::oneshot;

use super::progress::Progress;
use crate::app::threads;

/// Starts the threads that open things. One that hangs is given up and stays, so that there is a limit.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Opener {
    /// Each thread has a clone.
    threads: Arc<()>,
}

/// Threads that hang, at most, before nothing more is begun: as many attempts on a file system that does not answer.
const MOST: usize = 16;

/// Something that is being opened. Dropped, it is not waited for any more: what the thread still opens is dropped, too.
///
/// The thread is none of the runtime's: one that hangs for ever takes nothing from those that wait for the disk.
#[derive(Debug)]
pub(in crate::app) struct Opening<T> {
    outcome: oneshot::Receiver<Result<T>>,
    progress: Progress,
    limit: Duration,
}

impl Opener {
    /// Begins to open something; `limit` is how long it may take.
    pub(in crate::app) fn begin<T: Send + 'static>(
        &self,
        limit: Duration,
        open: impl FnOnce(&Progress) -> Result<T> + Send + 'static,
    ) -> Result<Opening<T>> {
        ensure!(
            Arc::strong_count(&self.threads) <= MOST,
            "{MOST} earlier attempts to open files still hang; nothing is opened before one of them ends"
        );
        let (sender, outcome) = oneshot::channel();
        let progress = Progress::default();
        let (shown, alive) = (progress.clone(), self.threads.clone());
        let thread = thread::Builder::new().name("bridgehead-open".into());
        let job = move || {
            drop(sender.send(open(&shown)));
            drop(alive);
        };
        thread
            .spawn(job)
            .map_err(|error| threads::failed("a thread that opens files", error))?;
        Ok(Opening {
            outcome,
            progress,
            limit,
        })
    }
}

impl<T> Opening<T> {
    /// What was opened, or why it was not.
    pub(in crate::app) async fn outcome(self) -> Result<T> {
        match tokio::time::timeout(self.limit, self.outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(anyhow!("the thread that opens files has panicked")),
            Err(_) => Err(self.progress.late(self.limit).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_is_opened_in_time_is_given() {
        let opening = Opener::default()
            .begin(Duration::from_secs(60), |_| Ok(7))
            .unwrap();
        assert_eq!(opening.outcome().await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_named_and_dropped_when_it_comes() {
        struct Opened(mpsc::Sender<()>);
        impl Drop for Opened {
            fn drop(&mut self) {
                self.0.send(()).unwrap();
            }
        }
        let (dropped, is_dropped) = mpsc::channel();
        let (answer, answers) = mpsc::channel::<()>();
        let opening = Opener::default().begin(Duration::from_millis(1), move |progress| {
            progress.at("the access log", "[log] access", "/mnt/log");
            answers.recv().unwrap();
            Ok(Opened(dropped))
        });
        let error = opening.unwrap().outcome().await.err().unwrap();
        assert_eq!(
            error.to_string(),
            "cannot open the access log /mnt/log within 1ms: the system does not answer \
             ([log] access; [server] timeouts.open is how long it may take)"
        );
        answer.send(()).unwrap();
        is_dropped.recv().unwrap();
    }

    #[tokio::test]
    async fn threads_that_hang_are_limited() {
        let opener = Opener::default();
        let begin = |answers: mpsc::Receiver<()>| {
            opener.begin(Duration::from_millis(1), move |_| Ok(answers.recv().is_ok()))
        };
        let (answers, hanging): (Vec<_>, Vec<_>) = (0..MOST).map(|_| mpsc::channel()).unzip();
        for hangs in hanging {
            begin(hangs).unwrap().outcome().await.unwrap_err();
        }
        let error = begin(mpsc::channel().1).unwrap_err().to_string();
        assert!(error.starts_with("16 earlier attempts"), "{error}");
        drop(answers);
        while Arc::strong_count(&opener.threads) > 1 {
            thread::yield_now();
        }
        begin(mpsc::channel().1).unwrap();
    }
}
