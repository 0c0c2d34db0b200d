//! A backend that does what a test tells it, right or wrong.
//!
//! ```no_run
//! use testbed::Scripted;
//!
//! # fn main() -> anyhow::Result<()> {
//! let backend = Scripted::start(|mut connection| {
//!     let request = connection.read_fastcgi()?;
//!     connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nhello")
//! })?;
//! println!("endpoints = [\"{}\"]", backend.address());
//! # Ok(())
//! # }
//! ```

mod connection;
mod request;

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
use tempfile::TempDir;

pub use connection::{ScriptedConnection, fastcgi_record};
pub use request::{Record, ScriptedRequest};

/// A listening unix socket in a temporary directory, and the script that runs on a thread for each connection.
///
/// Dropping it closes every connection that is still open.
#[derive(Debug)]
pub struct Scripted {
    dir: TempDir,
    log: Arc<Log>,
    accepting: Option<JoinHandle<()>>,
    /// Held while nobody accepts.
    _listener: Option<UnixListener>,
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    streams: Vec<UnixStream>,
    requests: Vec<ScriptedRequest>,
    ended: usize,
    failures: usize,
    stopped: bool,
}

impl Scripted {
    /// Runs `script` for each connection. What it returns is not looked at: a script fails when the gateway closes
    /// under it, and that may be the very thing that a test wants.
    ///
    /// # Errors
    ///
    /// When the socket cannot be made.
    pub fn start(script: impl Fn(ScriptedConnection) -> Result<()> + Send + Sync + 'static) -> Result<Self> {
        Self::with_backlog(BACKLOG, script)
    }

    /// [`Scripted::start`] with a length for the queue of connections that are not accepted yet.
    ///
    /// # Errors
    ///
    /// When the socket cannot be made.
    pub fn with_backlog(
        backlog: i32,
        script: impl Fn(ScriptedConnection) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Self> {
        let (dir, listener) = listener(backlog)?;
        let log = Arc::new(Log::default());
        let accepting = std::thread::spawn({
            let log = log.clone();
            move || accept(&listener, &log, &Arc::new(script))
        });
        Ok(Self {
            dir,
            log,
            accepting: Some(accepting),
            _listener: None,
        })
    }

    /// A socket that listens and that nobody ever accepts from.
    ///
    /// # Errors
    ///
    /// When the socket cannot be made.
    pub fn never_accepting(backlog: i32) -> Result<Self> {
        let (dir, listener) = listener(backlog)?;
        Ok(Self {
            dir,
            log: Arc::default(),
            accepting: None,
            _listener: Some(listener),
        })
    }

    /// The path of the socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    /// The socket as configurations name it: `unix:/path`.
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.log.seen().streams.len()
    }

    /// The requests that scripts have read so far, in the order of their ends.
    pub fn requests(&self) -> Vec<ScriptedRequest> {
        self.log.seen().requests.clone()
    }

    /// Scripts that have ended with an error so far, or with a panic.
    pub fn failures(&self) -> usize {
        self.log.seen().failures
    }

    /// Waits until that many connections were accepted.
    ///
    /// # Errors
    ///
    /// After ten seconds.
    pub fn wait_connections(&self, count: usize) -> Result<()> {
        self.log.wait("connections", count, |seen| seen.streams.len())
    }

    /// Waits until scripts have read that many requests, and gives them.
    ///
    /// # Errors
    ///
    /// After ten seconds.
    pub fn wait_requests(&self, count: usize) -> Result<Vec<ScriptedRequest>> {
        self.log.wait("requests", count, |seen| seen.requests.len())?;
        Ok(self.requests())
    }

    /// Waits until that many scripts have ended: with a script that ends with [`ScriptedConnection::wait_close`],
    /// until the gateway has closed that many connections.
    ///
    /// # Errors
    ///
    /// After ten seconds.
    pub fn wait_ended(&self, count: usize) -> Result<()> {
        self.log.wait("ended scripts", count, |seen| seen.ended)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.log.seen().stopped = true;
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        // Wakes the thread that accepts.
        let _ = UnixStream::connect(self.socket());
        let _ = accepting.join();
        for stream in &self.log.seen().streams {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Log {
    /// A request was read.
    pub(crate) fn request(&self, request: &ScriptedRequest) {
        self.change(|seen| seen.requests.push(request.clone()));
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen());
        self.changed.notify_all();
    }

    fn wait(&self, what: &str, count: usize, of: impl Fn(&Seen) -> usize) -> Result<()> {
        let (seen, _) = self
            .changed
            .wait_timeout_while(self.seen(), LIMIT, |seen| of(seen) < count)
            .unwrap_or_else(PoisonError::into_inner);
        ensure!(
            of(&seen) >= count,
            "{} {what} after {LIMIT:?} instead of {count}",
            of(&seen)
        );
        Ok(())
    }

    /// A script that panicked leaves everything in order.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listener(backlog: i32) -> Result<(TempDir, UnixListener)> {
    let dir = TempDir::with_prefix("bh-").context("cannot make a temporary directory")?;
    let descriptor: OwnedFd = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    let address = SocketAddrUnix::new(dir.path().join("s"))?;
    bind(&descriptor, &address).context("cannot bind")?;
    listen(&descriptor, backlog).context("cannot listen")?;
    Ok((dir, descriptor.into()))
}

fn accept<S>(listener: &UnixListener, log: &Arc<Log>, script: &Arc<S>)
where
    S: Fn(ScriptedConnection) -> Result<()> + Send + Sync + 'static,
{
    for stream in listener.incoming() {
        let Ok(stream) = stream else { return };
        let Ok(ours) = stream.try_clone() else { return };
        let mut seen = log.seen();
        if seen.stopped {
            return;
        }
        let number = seen.streams.len();
        seen.streams.push(ours);
        drop(seen);
        log.changed.notify_all();
        let (log, script) = (log.clone(), script.clone());
        std::thread::spawn(move || {
            let mut ended = Ended {
                log: log.clone(),
                failed: true,
            };
            let closing = stream.try_clone();
            let connection = ScriptedConnection::new(stream, number, log);
            match script(connection) {
                Ok(()) => ended.failed = false,
                // Shown only by tests that fail.
                Err(error) => eprintln!("script of connection {number}: {error:#}"),
            }
            if let Ok(closing) = closing {
                // The log's copy keeps the descriptor open.
                let _ = closing.shutdown(std::net::Shutdown::Both);
            }
            drop(ended);
        });
    }
}

/// Counts the end of a script, also by a panic.
struct Ended {
    log: Arc<Log>,
    failed: bool,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.log.change(|seen| {
            seen.ended += 1;
            seen.failures += usize::from(self.failed);
        });
    }
}

const BACKLOG: i32 = 128;
const LIMIT: Duration = Duration::from_secs(10);
