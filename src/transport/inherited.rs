//! Listening sockets that another process opened for us: a service manager, or the process that we replace.

use std::io;
use std::os::fd::OwnedFd;

use socket2::Socket;

use super::{Address, claim};

/// The sockets that no listener has asked for yet.
#[derive(Debug, Default)]
pub struct Inherited(Vec<InheritedSocket>);

/// One listening socket of another process.
#[derive(Debug)]
pub struct InheritedSocket {
    /// What it is asked for by: its own address, or the one that the configuration of its opener had for it.
    pub address: Address,
    /// The socket.
    pub socket: OwnedFd,
    /// Whether its file, if it has one, is to be removed in the end.
    pub owns_file: bool,
    /// What opened it.
    pub lender: Lender,
}

/// What opened a socket for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lender {
    /// A service manager: it goes on listening when we stop.
    Manager,
    /// The process that we replace: it goes on listening if we do not.
    Predecessor,
}

impl InheritedSocket {
    /// A service manager's socket, which knows its address itself.
    pub fn from_manager(socket: OwnedFd) -> io::Result<Self> {
        let socket = Socket::from(socket);
        if !socket.is_listener()? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the socket does not listen",
            ));
        }
        let local = socket.local_addr()?;
        let unix = || local.as_pathname().map(|path| Address::Unix(path.to_owned()));
        let nameless = || {
            let name = std::str::from_utf8(local.as_abstract_namespace()?).ok()?;
            Some(Address::Abstract(name.to_owned()))
        };
        let address = local
            .as_socket()
            .map(Address::Tcp)
            .or_else(unix)
            .or_else(nameless);
        let unknown = || {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither TCP nor a unix socket with a path or a name in UTF-8",
            )
        };
        Ok(Self {
            address: address.ok_or_else(unknown)?,
            socket: socket.into(),
            owns_file: false,
            lender: Lender::Manager,
        })
    }
}

impl Inherited {
    /// One more.
    pub fn add(&mut self, socket: InheritedSocket) {
        self.0.push(socket);
    }

    /// The first one of that address.
    pub(super) fn take(&mut self, address: &Address) -> Option<InheritedSocket> {
        let found = self.0.iter().position(|socket| socket.address == *address)?;
        Some(self.0.remove(found))
    }

    /// The one that keeps `address` from being listened on.
    pub fn holder(&self, address: &Address) -> Option<&InheritedSocket> {
        let holds = |socket: &&InheritedSocket| claim::covers(&socket.socket, &socket.address, address);
        self.0.iter().find(holds)
    }

    /// What no listener has asked for.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.0.iter().map(|socket| &socket.address)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_is_known_by_its_own_address() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = Address::Tcp(tcp.local_addr().unwrap());
        let mut inherited = Inherited::default();
        inherited.add(InheritedSocket::from_manager(tcp.into()).unwrap());
        assert_eq!(inherited.addresses().collect::<Vec<_>>(), [&local]);
        assert!(inherited.take(&"127.0.0.1:1".parse().unwrap()).is_none());
        assert!(
            inherited
                .take(&local)
                .is_some_and(|socket| socket.lender == Lender::Manager)
        );
        assert!(inherited.take(&local).is_none());
    }

    #[test]
    fn a_path_is_an_address_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let socket = InheritedSocket::from_manager(UnixListener::bind(&path).unwrap().into()).unwrap();
        assert_eq!(socket.address, Address::Unix(path));
    }

    #[test]
    fn a_socket_that_does_not_listen_is_refused() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
        assert!(InheritedSocket::from_manager(stream.into()).is_err());
    }
}
