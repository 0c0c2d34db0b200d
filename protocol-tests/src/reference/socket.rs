//! A connection of either kind, with blocking calls that have a limit.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::net::Address;

/// AF_UNIX or TCP.
#[derive(Debug)]
pub(super) enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    /// Connects; later calls wait for `patience` at most.
    pub(super) fn connect(address: &Address, patience: Duration) -> io::Result<Self> {
        let socket = match address {
            Address::Unix(path) => Self::Unix(UnixStream::connect(path)?),
            Address::Tcp(text) => Self::Tcp(TcpStream::connect(text.as_str())?),
        };
        socket.set_patience(patience)?;
        Ok(socket)
    }

    /// How long a read or a write may wait.
    pub(super) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        let limit = Some(patience.max(Duration::from_millis(1))); // 0 would mean no limit
        match self {
            Self::Unix(stream) => stream
                .set_read_timeout(limit)
                .and(stream.set_write_timeout(limit)),
            Self::Tcp(stream) => {
                let _ = stream.set_nodelay(true); // a matter of speed alone
                stream
                    .set_read_timeout(limit)
                    .and(stream.set_write_timeout(limit))
            }
        }
    }

    pub(super) fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.set_nonblocking(on),
            Self::Tcp(stream) => stream.set_nonblocking(on),
        }
    }

    /// The same connection for another thread.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
        }
    }

    /// An error means that the connection is over anyway.
    pub(super) fn shutdown(&self, how: Shutdown) {
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(how),
            Self::Tcp(stream) => stream.shutdown(how),
        };
    }

    /// Whether the peer has ended its direction.
    pub(super) fn is_ended(&self) -> bool {
        let mut fds = [PollFd::new(self, PollFlags::RDHUP)];
        matches!(poll(&mut fds, Some(&Timespec::default())), Ok(1..))
    }

    /// For faults: does nothing until the peer leaves, or much later.
    pub(super) fn stall(&self) {
        let mut fds = [PollFd::new(self, PollFlags::RDHUP)];
        let _ = poll(&mut fds, Timespec::try_from(STALL).ok().as_ref());
    }

    /// Ends writing and reads what is still under way: a close with unread bytes is a reset, which takes what the peer
    /// has not read yet with it.
    pub(super) fn close_gently(mut self) {
        self.shutdown(Shutdown::Write);
        let start = Instant::now();
        let mut drained = 0;
        let mut buffer = [0; 16 << 10];
        let _ = self.set_patience(LINGER);
        while drained < MAX_DRAINED && start.elapsed() < LINGER {
            match self.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => drained += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        }
    }
}

const STALL: Duration = Duration::from_secs(60); // longer than anybody waits
const LINGER: Duration = Duration::from_secs(2); // for a peer that goes on sending
const MAX_DRAINED: usize = 16 << 20; // bytes that are read for nothing
