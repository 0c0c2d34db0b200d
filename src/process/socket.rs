//! The listening socket of a generation, which outlives its processes.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::transport::Address;

/// A socket that listens, or is going to. The file goes when this is dropped.
#[derive(Debug)]
pub(super) struct ListenSocket {
    /// `None`: it is the application's own.
    socket: Option<Socket>,
    path: PathBuf,
}

impl ListenSocket {
    /// Listens at `path`. Only this user may connect: the application gets the descriptor, and needs no path.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // What bind(2) makes the file with. A system that cannot do this is none the worse: it is in a directory of ours.
        let _ = fchmod(&socket, Mode::from_raw_mode(0o600));
        socket.bind(&SockAddr::unix(&path)?)?;
        socket.listen(BACKLOG)?;
        Ok(Self {
            socket: Some(socket),
            path,
        })
    }

    /// The application is to listen at `path` itself.
    pub(super) fn reserve(path: PathBuf) -> Self {
        Self { socket: None, path }
    }

    /// Where to connect.
    pub(super) fn address(&self) -> Address {
        Address::Unix(self.path.clone())
    }

    /// The descriptor, unless the application listens there itself.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(Socket::as_fd)
    }
}

impl Drop for ListenSocket {
    fn drop(&mut self) {
        // Removed already is as good.
        let _ = fs::remove_file(&self.path);
    }
}

/// Connections that wait while the application is started again; the kernel has a limit of its own (net.core.somaxconn).
const BACKLOG: i32 = 1024;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_name_is_ours_and_goes_with_the_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop.1.sock");
        let socket = ListenSocket::open(path.clone()).unwrap();
        UnixStream::connect(&path).unwrap();
        drop(socket);
        assert!(!path.exists());
    }
}
