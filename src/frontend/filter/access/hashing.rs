//! Work that takes a processor for long, off the reactor: a little at a time, however many clients guess.

use tokio::sync::Semaphore;

/// As much waits as may wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// Runs `work` as soon as there is a place for it, and gives what comes of it.
///
/// # Errors
///
/// When too much waits already, or the work panicked.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
    let _waiting = WAITING.try_acquire().map_err(|_| Busy)?;
    let place = RUNNING.acquire().await.map_err(|_| Busy)?;
    let running = tokio::task::spawn_blocking(move || {
        let done = work();
        // Held until it is done, also when its client has left.
        drop(place);
        done
    });
    running.await.map_err(|_| Busy)
}

/// How much runs at a time.
const AT_ONCE: usize = 2;
static RUNNING: Semaphore = Semaphore::const_new(AT_ONCE);

/// How much may run or wait: beyond, clients are told to come back.
const MOST: usize = 64;
static WAITING: Semaphore = Semaphore::const_new(MOST);

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn so_much_runs_and_waits_and_more_is_refused() {
        let (release, held) = mpsc::channel::<()>();
        let held = std::sync::Arc::new(std::sync::Mutex::new(held));
        let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..MOST {
            let (held, begun) = (held.clone(), begun.clone());
            tasks.spawn(run(move || {
                begun.send(()).unwrap();
                held.lock().unwrap().recv().unwrap();
            }));
        }
        for _ in 0..AT_ONCE {
            begins.recv().await.unwrap();
        }
        while WAITING.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(begins.try_recv().is_err(), "a third one runs");
        assert_eq!(run(|| ()).await, Err(Busy));
        for _ in 0..MOST {
            release.send(()).unwrap();
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap().unwrap();
        }
        assert_eq!(run(|| 7).await, Ok(7));
    }
}
