//! Targets that the kit starts itself, and starts again when they have ended.
//!
//! | module | what it is |
//! |---|---|
//! | `launcher` | the command, and where its targets are |
//! | `process` | a command that runs, with everything that it starts |

mod launcher;
mod process;

pub use launcher::Launcher;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::net::{self, Address, Stream};
use crate::side::Side;
use process::{Groups, Process};

/// A target at its place. It can end and be started again; it ends when this is dropped.
pub struct Target {
    side: Box<dyn Side>,
    /// For a shell.
    command: String,
    /// Where the kit reaches it.
    address: Address,
    process: Option<Process>,
    groups: Arc<Groups>,
    /// Its output, and its sockets unless they are elsewhere.
    directory: TempDir,
}

impl Target {
    /// The kit's way to it.
    pub fn side(&self) -> &dyn Side {
        &*self.side
    }

    /// Starts it, and waits until it takes connections. One that runs is ended before.
    ///
    /// # Errors
    ///
    /// When it ends, or takes none for ten seconds; with what it wrote last.
    pub fn start(&mut self) -> Result<(), String> {
        self.stop();
        if let Address::Unix(path) = &self.address {
            net::remove_stale(path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let log = self.directory.path().join("output");
        let process = Process::start(&self.command, &log, self.groups.clone())
            .map_err(|error| format!("cannot start a shell for `{}`: {error}", self.command))?;
        self.process = Some(process);
        self.wait_until_reached()
    }

    fn wait_until_reached(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START;
        while Stream::connect(&self.address, POLL).is_err() {
            if let Some(how) = self.ended(Duration::ZERO) {
                return Err(format!("`{}` has not started: {how}", self.command));
            }
            if Instant::now() >= deadline {
                let words = self.process.as_ref().map(Process::last_words).unwrap_or_default();
                return Err(format!(
                    "`{}` takes no connection at {} after {} s{words}",
                    self.command,
                    self.address,
                    START.as_secs()
                ));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Ends it with everything that it has started.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// How it has ended, if it has; waits so long for that.
    pub fn ended(&mut self, patience: Duration) -> Option<String> {
        let process = self.process.as_mut()?;
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = process.ended() {
                return Some(format!("the process ended: {status}{}", process.last_words()));
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(POLL);
        }
    }
}

const START: Duration = Duration::from_secs(10); // from the command to the first connection
const POLL: Duration = Duration::from_millis(10); // between two looks
