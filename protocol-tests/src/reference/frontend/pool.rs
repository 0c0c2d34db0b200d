//! The one connection to the application that is kept.

use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Fault;
use crate::reference::Seeded;
use crate::reference::socket::Socket;

/// Room for a connection on which nothing is under way.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<Option<Socket>>,
}

impl Pool {
    /// The connection, if nothing has come on it meanwhile: an answer that nobody asked for is nobody's, and an end
    /// is the end.
    pub(super) fn take(&self, fault: Seeded<Fault>) -> Option<Socket> {
        // A place is never left half changed.
        let socket = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        (is_quiet(&socket) || fault.is(Fault::UnaskedAnswerTaken)).then_some(socket)
    }

    /// Keeps a connection; one that was there is closed.
    pub(super) fn put(&self, socket: Socket) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
    }
}

fn is_quiet(socket: &Socket) -> bool {
    let mut fds = [PollFd::new(socket, PollFlags::IN)];
    matches!(poll(&mut fds, Some(&Timespec::default())), Ok(0))
}
