//! Listening sockets.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::access::{Access, AccessError};
use super::inherited::{Inherited, InheritedSocket, Lender};
use super::{Address, Stream};

/// A bound socket that accepts connections. A unix one removes its file when it is dropped, unless somebody else
/// listens on it, too.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    /// The file to remove, once.
    file: Option<PathBuf>,
    removed: AtomicBool,
    /// Another process goes on where we stop.
    shared: AtomicBool,
    lender: Option<Lender>,
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
    /// The socket's file cannot be given to whom it belongs.
    #[error("{0}: {1}")]
    Access(Address, AccessError),
    /// Anything else.
    #[error("{0}: {1}")]
    Io(Address, io::Error),
}

impl Listener {
    /// Binds and listens; `backlog` connections wait in the kernel at most.
    ///
    /// A socket file that nobody answers on, as a killed process leaves it, is replaced.
    pub fn bind(address: &Address, backlog: u32) -> Result<Self, ListenError> {
        Self::bind_for(address, backlog, &Access::default())
    }

    /// The same; only whom `access` admits can connect to a unix socket.
    pub fn bind_for(address: &Address, backlog: u32, access: &Access) -> Result<Self, ListenError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address.clone()),
            _ => ListenError::Io(address.clone(), error),
        };
        match address {
            Address::Tcp(number) => {
                let socket = tcp(*number).map_err(failed)?;
                socket.listen(limit(backlog)).map_err(failed)?;
                Self::new(address, socket, None).map_err(failed)
            }
            Address::Unix(path) => {
                remove_stale(address, path)?;
                let socket = unix(path).map_err(failed)?;
                let listener = Self::bound(address, path, socket, backlog, access);
                // From here on the file is ours to remove.
                listener.inspect_err(|_| drop(std::fs::remove_file(path)))
            }
            Address::Name(..) => Err(ListenError::Name(address.clone())),
        }
    }

    /// Listens on a bound unix socket. All of it before the runtime sees the socket: one that does not listen yet counts
    /// as hung up there, and always will.
    fn bound(
        address: &Address,
        path: &Path,
        socket: Socket,
        backlog: u32,
        access: &Access,
    ) -> Result<Self, ListenError> {
        access
            .apply(path)
            .map_err(|error| ListenError::Access(address.clone(), error))?;
        let listens = socket.listen(limit(backlog));
        listens
            .and_then(|()| Self::new(address, socket, Some(path.to_owned())))
            .map_err(|error| ListenError::Io(address.clone(), error))
    }

    /// The socket that was inherited for `address`, as it is; when there is none, [`Self::bind_for`].
    pub fn open(
        address: &Address,
        backlog: u32,
        access: &Access,
        inherited: &mut Inherited,
    ) -> Result<Self, ListenError> {
        let Some(socket) = inherited.take(address) else {
            return Self::bind_for(address, backlog, access);
        };
        Self::adopt(socket).map_err(|error| ListenError::Io(address.clone(), error))
    }

    fn adopt(inherited: InheritedSocket) -> io::Result<Self> {
        let InheritedSocket {
            address,
            socket,
            owns_file,
            lender,
        } = inherited;
        let file = match &address {
            Address::Unix(path) if owns_file => Some(path.clone()),
            _ => None,
        };
        let mut listener = Self::new(&address, socket.into(), file)?;
        listener.shared = AtomicBool::new(true);
        listener.lender = Some(lender);
        Ok(listener)
    }

    fn new(address: &Address, socket: Socket, file: Option<PathBuf>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let (address, socket) = match address {
            Address::Unix(_) => (
                address.clone(),
                Bound::Unix(UnixListener::from_std(socket.into())?),
            ),
            Address::Tcp(_) | Address::Name(..) => {
                let listener = TcpListener::from_std(socket.into())?;
                (Address::Tcp(listener.local_addr()?), Bound::Tcp(listener))
            }
        };
        Ok(Self {
            address,
            file,
            removed: AtomicBool::new(false),
            shared: AtomicBool::new(false),
            lender: None,
            socket,
        })
    }

    /// Where it listens; the port is the real one when 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Gives the file of a unix socket to whom it belongs.
    pub fn admit(&self, access: &Access) -> Result<(), ListenError> {
        match (&self.address, &self.file) {
            (Address::Unix(path), Some(_)) => access
                .apply(path)
                .map_err(|error| ListenError::Access(self.address.clone(), error)),
            _ => Ok(()),
        }
    }

    /// Listens with another length of the kernel's queue; what waits there goes on waiting.
    pub fn queue(&self, backlog: u32) -> Result<(), ListenError> {
        self.socket()
            .listen(limit(backlog))
            .map_err(|error| ListenError::Io(self.address.clone(), error))
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

    /// Its file is no longer found, and as far as the system can tell, nobody gets into its queue any more. Whoever
    /// shares it does not notice. To be followed by [`Self::waiting`].
    pub fn retire(&self) {
        if self.is_shared() {
            return;
        }
        self.remove_file();
        if let Bound::Unix(_) = self.socket {
            // TCP would throw the queue away here; a unix socket keeps it (net/unix/af_unix.c).
            let _ = self.socket().shutdown(Shutdown::Both);
        }
    }

    /// A connection that waits in the kernel now; for the last ones of a socket that is about to close.
    pub fn waiting(&self) -> Option<Stream> {
        if self.is_shared() {
            return None;
        }
        let (socket, _) = self.socket().accept().ok()?;
        socket.set_nonblocking(true).ok()?;
        match self.socket {
            Bound::Tcp(_) => {
                socket.set_tcp_nodelay(true).ok()?;
                TcpStream::from_std(socket.into()).ok().map(Stream::Tcp)
            }
            Bound::Unix(_) => UnixStream::from_std(socket.into()).ok().map(Stream::Unix),
        }
    }

    /// A second handle of the same socket, for another process.
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        match &self.socket {
            Bound::Tcp(listener) => listener.as_fd().try_clone_to_owned(),
            Bound::Unix(listener) => listener.as_fd().try_clone_to_owned(),
        }
    }

    /// Whether the file goes with the listener.
    pub fn owns_file(&self) -> bool {
        self.file.is_some()
    }

    /// From now on somebody else listens here, too: the end of this listener changes nothing outside.
    pub fn share(&self) {
        self.shared.store(true, Ordering::Relaxed);
    }

    /// The process that it came from is about to leave it to us.
    pub fn keep(&self) {
        if self.lender == Some(Lender::Predecessor) {
            self.shared.store(false, Ordering::Relaxed);
        }
    }

    /// Who opened it, if it was not us.
    pub fn lender(&self) -> Option<Lender> {
        self.lender
    }

    /// Whether somebody else goes on where we stop.
    pub fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    fn socket(&self) -> SockRef<'_> {
        match &self.socket {
            Bound::Tcp(listener) => SockRef::from(listener),
            Bound::Unix(listener) => SockRef::from(listener),
        }
    }

    /// Only once: afterwards the path may be somebody else's.
    fn remove_file(&self) {
        if let Some(path) = &self.file
            && !self.removed.swap(true, Ordering::Relaxed)
        {
            // Gone already is as good.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Listener {
    /// The file goes before the socket stops to answer: whoever finds a file that nobody answers on takes its place,
    /// and that file would be removed instead.
    fn drop(&mut self) {
        if !self.is_shared() {
            self.remove_file();
        }
    }
}

fn limit(backlog: u32) -> i32 {
    i32::try_from(backlog).unwrap_or(i32::MAX)
}

fn tcp(address: std::net::SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn unix(path: &Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    Ok(socket)
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

    #[tokio::test]
    async fn who_waits_when_a_listener_retires_is_still_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        for address in [Address::Unix(path.clone()), "127.0.0.1:0".parse().unwrap()] {
            let listener = Listener::bind(&address, 16).unwrap();
            let _clients = [client(listener.address()), client(listener.address())];
            listener.retire();
            assert!(listener.waiting().is_some() && listener.waiting().is_some());
            assert!(listener.waiting().is_none());
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn nobody_gets_into_the_queue_of_a_retired_unix_socket() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("x.sock"), dir.path().join("y.sock"));
        let listener = Listener::bind(&Address::Unix(path.clone()), 16).unwrap();
        std::fs::hard_link(&path, &link).unwrap();
        listener.retire();
        let refused = StdUnixStream::connect(&link).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_shared_listener_leaves_everything_to_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let address = Address::Unix(dir.path().join("x.sock"));
        let first = Listener::bind(&address, 16).unwrap();
        let mut inherited = Inherited::default();
        inherited.add(InheritedSocket {
            address: address.clone(),
            socket: first.duplicate().unwrap(),
            owns_file: first.owns_file(),
            lender: Lender::Predecessor,
        });
        let second = Listener::open(&address, 16, &Access::default(), &mut inherited).unwrap();
        assert!(second.is_shared(), "nothing is final yet");
        first.share();
        second.keep();
        let _client = client(&address);
        first.retire();
        assert!(first.waiting().is_none());
        drop(first);
        second.accept().await.unwrap();
        let Address::Unix(path) = &address else { panic!() };
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_has_its_mode_before_anybody_can_connect() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let mut access = Access {
            mode: Some(0o620),
            ..Access::default()
        };
        let address = Address::Unix(path.clone());
        let listener = Listener::bind_for(&address, 16, &access).unwrap();
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(), 0o620);
        access.mode = Some(0o600);
        listener.admit(&access).unwrap();
        assert_eq!(mode(), 0o600);
        drop(listener);
        access.owner = Some("nobody-at-all".into());
        assert!(matches!(
            Listener::bind_for(&address, 16, &access),
            Err(ListenError::Access(..))
        ));
        assert!(!path.exists());
    }

    fn client(address: &Address) -> OwnedFd {
        match address {
            Address::Unix(path) => StdUnixStream::connect(path).unwrap().into(),
            Address::Tcp(address) => std::net::TcpStream::connect(address).unwrap().into(),
            Address::Name(..) => unreachable!(),
        }
    }
}
