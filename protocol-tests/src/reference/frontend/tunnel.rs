//! A connection that carries another protocol (RFC 9110, section 7.8): bytes both ways until both sides have ended.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Fault;
use crate::reference::Seeded;
use crate::reference::socket::Socket;

/// Copies until both directions have ended, or one side is gone.
pub(super) fn run(client: &mut Socket, application: &mut Socket, fault: Seeded<Fault>) -> io::Result<()> {
    let mut ended = [false, false];
    while ended != [true, true] {
        let sides = [&mut *client, &mut *application];
        let ready = ready(&sides, ended)?;
        let (from, to) = if ready == 0 { (0, 1) } else { (1, 0) };
        let mut buffer = [0; 16 << 10];
        match sides[from].read(&mut buffer)? {
            0 if fault.is(Fault::TunnelEndsAtOnce) => return Ok(()),
            0 => {
                sides[to].shutdown(Shutdown::Write);
                ended[from] = true;
            }
            count => sides[to].write_all(&buffer[..count])?,
        }
    }
    Ok(())
}

/// The side that has something to say.
fn ready(sides: &[&mut Socket; 2], ended: [bool; 2]) -> io::Result<usize> {
    let open: Vec<usize> = (0..2).filter(|side| !ended[*side]).collect();
    let mut fds: Vec<PollFd<'_>> = open
        .iter()
        .map(|side| PollFd::new(&*sides[*side], PollFlags::IN))
        .collect();
    let timeout = Timespec::try_from(SILENCE).unwrap_or_default();
    poll(&mut fds, Some(&timeout))?;
    let found = fds.iter().position(|fd| !fd.revents().is_empty());
    found
        .map(|at| open[at])
        .ok_or_else(|| io::ErrorKind::TimedOut.into())
}

const SILENCE: Duration = Duration::from_secs(60); // in both directions
