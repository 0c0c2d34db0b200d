//! Listening sockets that accept connections.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::access::Ownership;
use super::bind::{BoundSocket, ListenError, limit};
use super::inherited::Lender;
use super::socket_file::SocketFile;
use super::{Address, Stream, claim};

/// A bound socket that accepts connections.
///
/// A unix one removes its file when it is dropped, unless another process listens on it, too. The file goes before the
/// socket stops to answer: a file that no process answers on is replaced, and the fresh one would be removed instead.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    /// Before the socket, since fields are dropped in this order.
    file: Option<SocketFile>,
    socket: Bound,
    /// Another process goes on where we stop.
    shared: AtomicBool,
    lender: Option<Lender>,
}

/// A connection, and its peer.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub stream: Stream,
    /// The other end; `None` on a unix socket. It was told with the connection: a peer that has reset it since has no
    /// address any more, and is not to be taken for one on a unix socket.
    pub peer: Option<SocketAddr>,
}

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds and listens at once: for what is no gateway, since it may wait. To be called inside a tokio runtime.
    pub fn bind(address: &Address, backlog: u32) -> Result<Self, ListenError> {
        Self::new(BoundSocket::bind(address, backlog, &Ownership::default())?)
    }

    /// Accepts on a socket that listens. To be called inside a tokio runtime.
    ///
    /// It listens already: one that does not yet counts as hung up in the runtime, and always will.
    pub fn new(bound: BoundSocket) -> Result<Self, ListenError> {
        let address = bound.address.clone();
        Self::registered(bound).map_err(|error| ListenError::Io(address, error))
    }

    fn registered(bound: BoundSocket) -> io::Result<Self> {
        let BoundSocket {
            address,
            file,
            socket,
            lender,
        } = bound;
        socket.set_nonblocking(true)?;
        let (address, socket) = match address {
            Address::Unix(_) | Address::Abstract(_) => {
                (address, Bound::Unix(UnixListener::from_std(socket.into())?))
            }
            Address::Tcp(_) | Address::Name(..) => {
                let listener = TcpListener::from_std(socket.into())?;
                (Address::Tcp(listener.local_addr()?), Bound::Tcp(listener))
            }
        };
        Ok(Self {
            address,
            file,
            socket,
            shared: AtomicBool::new(lender.is_some()),
            lender,
        })
    }

    /// Where it listens; the port is the real one when 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether it keeps `address` from being listened on.
    pub fn holds(&self, address: &Address) -> bool {
        claim::covers(self.socket(), &self.address, address)
    }

    /// Gives the file of a unix socket to its owner.
    pub fn give(&self, ownership: &Ownership) -> Result<(), ListenError> {
        let Some(file) = &self.file else { return Ok(()) };
        file.give(ownership)
            .map_err(|error| ListenError::Access(self.address.clone(), error))
    }

    /// Listens with another length of the kernel's queue; what waits there goes on waiting.
    pub fn queue(&self, backlog: u32) -> Result<(), ListenError> {
        self.socket()
            .listen(limit(backlog))
            .map_err(|error| ListenError::Io(self.address.clone(), error))
    }

    /// The next connection. An error concerns this one call only (the peer is gone, descriptors ran out).
    pub async fn accept(&self) -> io::Result<Accepted> {
        match &self.socket {
            Bound::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (stream, peer) = (stream.into(), Some(peer));
                Ok(Accepted { stream, peer })
            }
            Bound::Unix(listener) => {
                let (stream, peer) = (listener.accept().await?.0.into(), None);
                Ok(Accepted { stream, peer })
            }
        }
    }

    /// Its file is no longer found, and as far as the system can tell, no client gets into its queue any more. A
    /// process that shares it does not notice. To be followed by [`Self::waiting`].
    pub fn retire(&self) {
        if self.is_shared() {
            return;
        }
        if let Some(file) = &self.file {
            file.remove();
        }
        if let Bound::Unix(_) = self.socket {
            // TCP would throw the queue away here; a unix socket keeps it (net/unix/af_unix.c).
            let _ = self.socket().shutdown(Shutdown::Both);
        }
    }

    /// A connection that waits in the kernel now; for the last ones of a socket that is about to close.
    pub fn waiting(&self) -> Option<Accepted> {
        if self.is_shared() {
            return None;
        }
        let (socket, peer) = self.socket().accept().ok()?;
        socket.set_nonblocking(true).ok()?;
        let stream = match self.socket {
            Bound::Tcp(_) => {
                socket.set_tcp_nodelay(true).ok()?;
                Stream::from(TcpStream::from_std(socket.into()).ok()?)
            }
            Bound::Unix(_) => Stream::from(UnixStream::from_std(socket.into()).ok()?),
        };
        let peer = peer.as_socket();
        Some(Accepted { stream, peer })
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

    /// From now on another process listens here, too: the end of this listener changes nothing outside.
    pub fn share(&self) {
        self.shared.store(true, Ordering::Relaxed);
        if let Some(file) = &self.file {
            file.leave();
        }
    }

    /// The process that it came from is about to leave it to us.
    pub fn keep(&self) {
        if self.lender == Some(Lender::Predecessor) {
            self.shared.store(false, Ordering::Relaxed);
            if let Some(file) = &self.file {
                file.keep();
            }
        }
    }

    /// What opened it, if it was not us.
    pub fn lender(&self) -> Option<Lender> {
        self.lender
    }

    /// Whether another process goes on where we stop.
    pub fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    fn socket(&self) -> SockRef<'_> {
        match &self.socket {
            Bound::Tcp(listener) => SockRef::from(listener),
            Bound::Unix(listener) => SockRef::from(listener),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream as StdUnixStream;

    use super::*;
    use crate::transport::{Inherited, InheritedSocket};

    #[tokio::test]
    async fn port_zero_becomes_a_real_port() {
        let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 16).unwrap();
        let Address::Tcp(address) = listener.address() else {
            panic!("not TCP")
        };
        let client = std::net::TcpStream::connect(address).unwrap();
        let accepted = listener.accept().await.unwrap();
        assert_eq!(accepted.peer, Some(client.local_addr().unwrap()));
    }

    #[tokio::test]
    async fn a_peer_that_has_reset_its_connection_is_told_from_one_on_a_unix_socket() {
        let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 16).unwrap();
        let Address::Tcp(address) = *listener.address() else {
            panic!()
        };
        let reset = || {
            let client = std::net::TcpStream::connect(address).unwrap();
            SockRef::from(&client)
                .set_linger(Some(std::time::Duration::ZERO))
                .unwrap();
            client.local_addr().unwrap()
        };
        let (first, second) = (reset(), reset());
        let accepted = listener.accept().await.unwrap();
        assert_eq!((accepted.stream.peer_addr(), accepted.peer), (None, Some(first)));
        assert_eq!(listener.waiting().unwrap().peer, Some(second));
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
    async fn an_abstract_name_is_listened_on_once_and_is_free_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        // A name of its own, as the directory has one.
        let address: Address = format!("unix:@{}", dir.path().display()).parse().unwrap();
        let listener = Listener::bind(&address, 16).unwrap();
        assert!(matches!(Listener::bind(&address, 16), Err(ListenError::InUse(_))));
        let connect = || crate::transport::connect(&address, std::time::Duration::from_secs(5));
        let _client = connect().await.unwrap();
        listener.accept().await.unwrap();
        let handed_over = InheritedSocket::from_manager(listener.duplicate().unwrap()).unwrap();
        assert_eq!(handed_over.address, address);
        drop(handed_over);
        let _waiting = connect().await.unwrap();
        listener.retire();
        assert!(listener.waiting().is_some() && listener.waiting().is_none());
        drop(listener);
        assert!(matches!(
            connect().await,
            Err(crate::transport::ConnectError::Refused)
        ));
        Listener::bind(&address, 16).unwrap();
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
    async fn no_client_gets_into_the_queue_of_a_retired_unix_socket() {
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
        let second = BoundSocket::open(&address, 16, &Ownership::default(), &mut inherited).unwrap();
        let second = Listener::new(second).unwrap();
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
    async fn a_socket_has_its_mode_before_a_client_can_connect() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let ownership = |mode| Ownership {
            mode: Some(mode),
            ..Ownership::default()
        };
        let address = Address::Unix(path.clone());
        let listener = Listener::new(BoundSocket::bind(&address, 16, &ownership(0o620)).unwrap()).unwrap();
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(), 0o620);
        listener.give(&ownership(0o666)).unwrap();
        assert_eq!(mode(), 0o666);
    }

    fn client(address: &Address) -> OwnedFd {
        match address {
            Address::Unix(path) => StdUnixStream::connect(path).unwrap().into(),
            Address::Tcp(address) => std::net::TcpStream::connect(address).unwrap().into(),
            Address::Name(..) | Address::Abstract(_) => unreachable!(),
        }
    }
}
