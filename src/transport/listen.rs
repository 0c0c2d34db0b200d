//! Listening sockets.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use super::{Address, Stream};

/// A bound socket that accepts connections. A unix one removes its file when it is dropped.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    /// Removed when the listener is dropped, and before it stops to answer: whoever finds a file that nobody answers
    /// on takes its place, and that file would be removed instead.
    _file: Option<SocketFile>,
    socket: Bound,
}

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Why a socket cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process answers there.
    #[error("{0}: in use by another process")]
    InUse(Address),
    /// Something that is no socket is in the way.
    #[error("{0}: the path exists and is not a socket")]
    NotASocket(Address),
    /// Only addresses can be listened on, names cannot.
    #[error("{0}: listen on an address, not on a name")]
    Name(Address),
    /// Anything else.
    #[error("{0}: {1}")]
    Io(Address, io::Error),
}

impl Listener {
    /// Binds and listens; `backlog` connections wait in the kernel at most.
    ///
    /// A socket file that nobody answers on, as a killed process leaves it, is replaced.
    pub fn bind(address: &Address, backlog: u32) -> Result<Self, ListenError> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address.clone()),
            _ => ListenError::Io(address.clone(), error),
        };
        match address {
            Address::Tcp(number) => {
                let listener = tcp(*number, backlog).map_err(failed)?;
                let bound = listener.local_addr().map_err(failed)?;
                Ok(Self {
                    address: Address::Tcp(bound),
                    socket: Bound::Tcp(listener),
                    _file: None,
                })
            }
            Address::Unix(path) => {
                remove_stale(address, path)?;
                let listener = unix(path, backlog).map_err(failed)?;
                let file = Some(SocketFile(path.clone()));
                Ok(Self {
                    address: address.clone(),
                    socket: Bound::Unix(listener),
                    _file: file,
                })
            }
            Address::Name(..) => Err(ListenError::Name(address.clone())),
        }
    }

    /// Where it listens; the port is the real one when 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The next connection. An error concerns this one call only (the peer is gone, descriptors ran out).
    pub async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Bound::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Bound::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// Removes a unix socket's file with the listener.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn tcp(address: std::net::SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

fn unix(path: &Path, backlog: i32) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket.into())
}

fn remove_stale(address: &Address, path: &Path) -> Result<(), ListenError> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(ListenError::NotASocket(address.clone()));
    }
    match StdUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|error| ListenError::Io(address.clone(), error))
        }
        _ => Err(ListenError::InUse(address.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn port_zero_becomes_a_real_port() {
        let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 16).unwrap();
        let Address::Tcp(address) = listener.address() else {
            panic!("not TCP")
        };
        let client = std::net::TcpStream::connect(address).unwrap();
        let accepted = listener.accept().await.unwrap();
        assert_eq!(accepted.peer_addr(), Some(client.local_addr().unwrap()));
    }

    #[tokio::test]
    async fn a_socket_file_goes_with_its_listener_and_a_stale_one_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let address = Address::Unix(path.clone());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listener = Listener::bind(&address, 16).unwrap();
        assert!(matches!(Listener::bind(&address, 16), Err(ListenError::InUse(_))));
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_in_the_way_is_not_removed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let address = Address::Unix(file.path().into());
        assert!(matches!(
            Listener::bind(&address, 16),
            Err(ListenError::NotASocket(_))
        ));
        assert!(file.path().exists());
    }
}
