//! A connection of either kind, with blocking calls that have a limit.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;

use crate::net::{Address, connect_abstract};

/// Closed with the last of its clones.
#[derive(Clone, Debug)]
pub(super) struct Socket(Arc<Stream>);

/// A socket as something else than its user sees it: it does not keep the connection open.
#[derive(Debug)]
pub(super) struct Glimpse(Weak<Stream>);

/// AF_UNIX or TCP.
#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    /// Connects; later calls wait for `patience` at most.
    pub(super) fn connect(address: &Address, patience: Duration) -> io::Result<Self> {
        let socket = match address {
            Address::Unix(path) => Self::from(UnixStream::connect(path)?),
            Address::Abstract(name) => Self::from(connect_abstract(name)?),
            Address::Tcp(text) => Self::from(TcpStream::connect(text.as_str())?),
        };
        socket.set_patience(patience)?;
        Ok(socket)
    }

    /// How long a read or a write may wait.
    pub(super) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        let limit = Some(patience.max(Duration::from_millis(1))); // 0 would mean no limit
        match &*self.0 {
            Stream::Unix(stream) => stream
                .set_read_timeout(limit)
                .and(stream.set_write_timeout(limit)),
            Stream::Tcp(stream) => {
                let _ = stream.set_nodelay(true); // a matter of speed alone
                stream
                    .set_read_timeout(limit)
                    .and(stream.set_write_timeout(limit))
            }
        }
    }

    pub(super) fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        match &*self.0 {
            Stream::Unix(stream) => stream.set_nonblocking(on),
            Stream::Tcp(stream) => stream.set_nonblocking(on),
        }
    }

    /// What shows how much of it is unread.
    pub(super) fn glimpse(&self) -> Glimpse {
        Glimpse(Arc::downgrade(&self.0))
    }

    /// Our address and the peer's; unix sockets have none.
    pub(super) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        match &*self.0 {
            Stream::Unix(_) => None,
            Stream::Tcp(stream) => Some((stream.local_addr().ok()?, stream.peer_addr().ok()?)),
        }
    }

    /// An error means that the connection is over anyway.
    pub(super) fn shutdown(&self, how: Shutdown) {
        let _ = match &*self.0 {
            Stream::Unix(stream) => stream.shutdown(how),
            Stream::Tcp(stream) => stream.shutdown(how),
        };
    }

    /// For faults: whether the peer ends its direction within a time that is long even on a busy machine.
    pub(super) fn ends_soon(&self) -> bool {
        let mut fds = [PollFd::new(self, PollFlags::RDHUP)];
        matches!(poll(&mut fds, Timespec::try_from(SOON).ok().as_ref()), Ok(1..))
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

impl Glimpse {
    /// Whether bytes have arrived that were not read; `None` once the socket is closed.
    pub(super) fn has_unread(&self) -> Option<bool> {
        let stream = self.0.upgrade()?;
        Some(ioctl_fionread(&*stream).is_ok_and(|count| count > 0))
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self(Arc::new(Stream::Unix(stream)))
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self(Arc::new(Stream::Tcp(stream)))
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &*self.0 {
            Stream::Unix(stream) => (&*stream).read(buffer),
            Stream::Tcp(stream) => (&*stream).read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &*self.0 {
            Stream::Unix(stream) => (&*stream).write(bytes),
            Stream::Tcp(stream) => (&*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(stream) => stream.as_fd(),
            Self::Tcp(stream) => stream.as_fd(),
        }
    }
}

const SOON: Duration = Duration::from_secs(1);
const STALL: Duration = Duration::from_secs(60); // longer than anybody waits
const LINGER: Duration = Duration::from_secs(2); // for a peer that goes on sending
const MAX_DRAINED: usize = 16 << 20; // bytes that are read for nothing
