//! Who is tested: where connections come from, and what their peers speak.

mod arrivals;
mod frontend;
mod server;

pub use frontend::Frontend;
pub use server::Server;

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::content::Scope;
use crate::expect::Connection;
use crate::net::{Address, Stream};
use crate::run::Verdict;

/// A value that no other play of a case has, on this machine.
fn token() -> String {
    static PLAYS: AtomicU64 = AtomicU64::new(0);
    let play = PLAYS.fetch_add(1, Ordering::Relaxed);
    format!("t{}-{play}", std::process::id())
}

/// The verdict of a case that cannot connect; notes whether that was refused.
fn unreachable(address: &Address, error: &io::Error, gone: &AtomicBool) -> Verdict {
    // A socket file that is removed is as good as one that nothing listens at.
    if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) {
        gone.store(true, Ordering::Relaxed);
    }
    Verdict::Error(format!("cannot connect to {address}: {error}"))
}

/// Connects and closes. A target that is about to end has the time to.
fn look(address: &Address, gone: &AtomicBool) {
    thread::sleep(ENDING);
    if let Err(error) = Stream::connect(address, ENDING) {
        let _ = unreachable(address, &error, gone);
    }
}

/// One of the two sides.
pub trait Side: Sync {
    /// The connection of steps without `on`.
    fn default_connection(&self) -> &'static str;

    /// What one play of a case has beside the values of the run, for instance its token.
    fn scope(&self, scope: &Scope) -> Scope;

    /// Whether the front end has sent a request of this play on that nobody has taken.
    fn contacted(&self, scope: &Scope) -> bool {
        let _ = scope;
        false
    }

    /// The next connection of the front end for this play, if one waits.
    fn arrival(&self, scope: &Scope) -> Option<Connection> {
        let _ = scope;
        None
    }

    /// How many connections the front end has opened with requests of this play, those that were refused included.
    fn attempts(&self, scope: &Scope) -> usize {
        let _ = scope;
        0
    }

    /// Closes whatever else the front end opens for this play.
    fn refuse(&self, scope: &Scope) {
        let _ = scope;
    }

    /// Closes every connection of the front end unread, whoever it is for, until the play ends.
    fn deny(&self, scope: &Scope) {
        let _ = scope;
    }

    /// Whether the target has refused a connection: nothing listens there any more.
    fn is_gone(&self) -> bool {
        false
    }

    /// Tries whether the target still takes connections; [`Side::is_gone`] says so then.
    fn look(&self) {}

    /// Waits until the target has read everything that was sent to it, at most until then. Of a target that cannot be
    /// looked into this is not known: it is given nothing but the pauses of the case.
    fn settle(&self, until: Instant) {
        let _ = until;
    }

    /// Ends a play; nothing of it is expected any more.
    fn finish(&self, scope: &Scope) {
        let _ = scope;
    }

    /// Opens the connection `name`, or waits for it. `pump` drives the case's other connections meanwhile.
    ///
    /// # Errors
    ///
    /// The verdict of the case.
    fn open(
        &self,
        name: &str,
        scope: &Scope,
        limit: Duration,
        pump: &mut dyn FnMut(Instant) -> io::Result<()>,
    ) -> Result<Connection, Verdict>;
}

const ENDING: Duration = Duration::from_millis(20); // between a process's last words and its end
