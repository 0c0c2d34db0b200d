//! A connected socket of either kind.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::sockopt;

use super::Address;

/// Never blocks once it is connected.
#[derive(Debug)]
pub enum Stream {
    /// AF_UNIX.
    Unix(UnixStream),
    /// TCP, without Nagle's algorithm: what a case cuts must arrive in pieces.
    Tcp(TcpStream),
}

impl Stream {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Those of the system; for TCP also when it takes longer than `limit`.
    pub fn connect(address: &Address, limit: Duration) -> io::Result<Self> {
        match address {
            Address::Unix(path) => Self::unix(UnixStream::connect(path)?),
            Address::Abstract(name) => Self::unix(super::connect_abstract(name)?),
            Address::Tcp(text) => {
                let first = text.to_socket_addrs()?.next();
                let address = first.ok_or_else(|| io::Error::other(format!("{text} has no address")))?;
                Self::tcp(TcpStream::connect_timeout(&address, limit)?)
            }
        }
    }

    /// A unix socket that is connected already.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn unix(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::Unix(stream))
    }

    /// A TCP socket that is connected already.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self::Tcp(stream))
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    pub(crate) fn shut_write(&self) {
        // An error means that the connection is over anyway; what is expected later will show it.
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Makes the coming close a reset, where the socket can do that.
    pub(crate) fn prepare_reset(&self) {
        if let Self::Tcp(stream) = self {
            let _ = sockopt::set_socket_linger(stream, Some(Duration::ZERO));
        }
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
