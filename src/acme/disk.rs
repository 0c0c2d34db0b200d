//! Work that waits for the disk, away from the threads that serve.

use std::io;

use super::failure::Cause;

/// Has it done on a thread that may wait.
pub(super) async fn on_disk<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Cause>
where
    T: Send + 'static,
    E: Into<Cause> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => Err(io::Error::other(error).into()),
    }
}
