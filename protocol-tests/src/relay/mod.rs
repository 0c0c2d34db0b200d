//! Sits between a front end and a server, passes on what they say, and writes it down.
//!
//! Every connection has a thread, which never holds more than one read of each direction. What is passed on keeps
//! its pieces as they were read, its half-closes, closes and resets.

mod connection;
mod listener;
mod recorder;
mod tap;

pub use listener::Listener;
pub use recorder::{Recorder, Secrecy};

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Scope};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use crate::net::{Address, Stream};
use crate::trace::{Event, Origin};

/// A relay, before it runs.
#[derive(Debug)]
pub struct Relay {
    listener: Listener,
    target: Address,
    /// It ends when it has served so many connections.
    most: Option<u32>,
}

/// What the relay has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Connections that were accepted.
    pub accepted: u32,
    /// Connections that were open when it was told to end.
    pub cut: u32,
}

/// How connections tell that they have ended, and are told to end.
#[derive(Debug)]
struct Bells {
    /// Each connection writes a byte when it ends.
    ended: (UnixStream, UnixStream),
    /// Nothing is ever written; the connections see it closed.
    stop: UnixStream,
    /// Connections that were open then.
    cut: AtomicU32,
}

impl Relay {
    /// A relay from a listener to a target.
    pub fn new(listener: Listener, target: Address, most: Option<u32>) -> Self {
        Self {
            listener,
            target,
            most,
        }
    }

    /// Serves until a byte arrives at `until`, or until it has served as many connections as it should.
    ///
    /// # Errors
    ///
    /// When the system cannot poll or accept.
    pub fn run<W: Write + Send>(&self, recorder: &Recorder<W>, until: &UnixStream) -> io::Result<Served> {
        let (ours, stop) = UnixStream::pair()?;
        let ended = UnixStream::pair()?;
        ended.0.set_nonblocking(true)?;
        let bells = Bells {
            ended,
            stop,
            cut: AtomicU32::new(0),
        };
        let accepted = thread::scope(|scope| {
            let result = self.accept(scope, recorder, until, &bells);
            drop(ours);
            result
        })?;
        Ok(Served {
            accepted,
            cut: bells.cut.into_inner(),
        })
    }

    fn accept<'scope, W: Write + Send>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        recorder: &'scope Recorder<W>,
        until: &UnixStream,
        bells: &'scope Bells,
    ) -> io::Result<u32> {
        let (mut accepted, mut open) = (0, 0);
        loop {
            let is_last = self.most.is_some_and(|most| accepted >= most);
            if is_last && open == 0 {
                return Ok(accepted);
            }
            let wants_more = !is_last && open < MAX_OPEN;
            let [come, told, gone] = self.wait(wants_more, until, bells)?;
            if told {
                return Ok(accepted);
            }
            if gone {
                open = open.saturating_sub(count(&bells.ended.0));
            }
            if come && let Some(client) = self.listener.accept()? {
                accepted += 1;
                open += 1;
                let number = accepted;
                scope.spawn(move || self.serve(number, client, recorder, bells));
            }
        }
    }

    /// Whether a connection has come, whether it is time to end, and whether connections have ended.
    fn wait(&self, wants_more: bool, until: &UnixStream, bells: &Bells) -> io::Result<[bool; 3]> {
        let mut polled = [
            PollFd::from_borrowed_fd(until.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(bells.ended.0.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.listener.as_fd(), PollFlags::IN),
        ];
        let watched = if wants_more {
            &mut polled[..]
        } else {
            &mut polled[..2]
        };
        match poll(watched, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [told, gone, come] = polled.map(|fd| !fd.revents().is_empty());
        Ok([come && wants_more, told, gone])
    }

    fn serve<W: Write + Send>(&self, number: u32, client: Stream, recorder: &Recorder<W>, bells: &Bells) {
        let mut tap = recorder.tap(number);
        tap.note(Origin::Client, Event::Open);
        match Stream::connect(&self.target, PATIENCE) {
            Ok(server) => {
                tap.note(Origin::Server, Event::Open);
                if !connection::serve(client, server, &mut tap, &bells.stop) {
                    bells.cut.fetch_add(1, Ordering::Relaxed);
                }
            }
            Err(error) => {
                tap.note(Origin::Server, Event::Refused);
                recorder.comment(&format!("cannot connect to {}: {error}", self.target));
                client.prepare_reset();
            }
        }
        // Nobody listens any more when the relay ends.
        let _ = (&bells.ended.1).write(&[0]);
    }
}

/// How many connections have rung.
fn count(mut bell: &UnixStream) -> u32 {
    let mut rung = [0; MAX_OPEN as usize];
    let read = bell.read(&mut rung).unwrap_or(0);
    u32::try_from(read).unwrap_or(u32::MAX)
}

const MAX_OPEN: u32 = 256; // connections at once; more wait in the kernel
const PATIENCE: Duration = Duration::from_secs(5); // for the target to accept
