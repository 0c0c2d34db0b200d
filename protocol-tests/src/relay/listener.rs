//! Where the relay listens.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;

use crate::net::{self, Address, SocketFile, Stream};

/// A listening socket; that of a path is removed when it is dropped.
#[derive(Debug)]
pub enum Listener {
    /// AF_UNIX, and its file.
    Unix(UnixListener, SocketFile),
    /// AF_UNIX, and its name without a file.
    Abstract(UnixListener, String),
    /// TCP.
    Tcp(TcpListener),
}

impl Listener {
    /// Listens. A socket that nobody listens at any more is replaced.
    ///
    /// # Errors
    ///
    /// Those of the system, and those of [`net::listen`].
    pub fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Unix(path) => {
                let (listener, file) = net::listen(path)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Unix(listener, file))
            }
            Address::Abstract(name) => {
                let listener = net::listen_abstract(name)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Abstract(listener, name.clone()))
            }
            Address::Tcp(text) => {
                let listener = TcpListener::bind(text.as_str())?;
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(listener))
            }
        }
    }

    /// The address, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn address(&self) -> io::Result<Address> {
        match self {
            Self::Unix(_, file) => Ok(Address::Unix(file.path().to_owned())),
            Self::Abstract(_, name) => Ok(Address::Abstract(name.clone())),
            Self::Tcp(listener) => Ok(Address::Tcp(listener.local_addr()?.to_string())),
        }
    }

    /// A connection, if there is still one.
    pub(super) fn accept(&self) -> io::Result<Option<Stream>> {
        let accepted = match self {
            Self::Unix(listener, _) | Self::Abstract(listener, _) => {
                listener.accept().and_then(|(stream, _)| Stream::unix(stream))
            }
            Self::Tcp(listener) => listener.accept().and_then(|(stream, _)| Stream::tcp(stream)),
        };
        match accepted {
            Ok(stream) => Ok(Some(stream)),
            // The client has thought better of it; or a signal came.
            Err(error) if is_passing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(listener, _) | Self::Abstract(listener, _) => listener.as_fd(),
            Self::Tcp(listener) => listener.as_fd(),
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted
    )
}
