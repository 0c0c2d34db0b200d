//! Sockets that are bound and listen, and that no runtime knows yet.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, fchmod, fstat};
use socket2::{Domain, SockAddr, Socket, Type};

use super::Address;
use super::access::Ownership;
use super::address::sockaddr;
use super::claim;
use super::entry::{DirectoryEntry, EntryError};
use super::inherited::{Inherited, InheritedSocket, Lender};
use super::lock::BindLock;
use super::socket_file::SocketFile;

/// A socket that listens. Dropped: its file goes, if it made one. To be made where waiting does no harm: see
/// [`Listener::new`](super::Listener::new) for what comes next.
#[derive(Debug)]
pub struct BoundSocket {
    pub(super) address: Address,
    /// Before the socket: see [`Listener`](super::Listener).
    pub(super) file: Option<SocketFile>,
    pub(super) socket: Socket,
    /// What opened it, if it was not us.
    pub(super) lender: Option<Lender>,
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
    /// The path leads to no directory that may be used.
    #[error("{0}: {1}")]
    Path(Address, EntryError),
    /// The file that keeps others from binding at the same time cannot be had.
    #[error("{address}: cannot lock {}: {cause}", lock.display())]
    Lock {
        /// The socket.
        address: Address,
        /// The file beside it.
        lock: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The socket's file cannot be given to its owner.
    #[error("{0}: cannot change owner, group or mode: {1}")]
    Access(Address, io::Error),
    /// Anything else.
    #[error("{0}: {1}")]
    Io(Address, io::Error),
}

impl BoundSocket {
    /// Whether it keeps `address` from being listened on.
    pub fn holds(&self, address: &Address) -> bool {
        claim::covers(&self.socket, &self.address, address)
    }

    /// What opened it, if it was not us.
    pub fn lender(&self) -> Option<Lender> {
        self.lender
    }

    /// Where it was asked to listen.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The socket that was inherited for `address`, as it is; when there is none, [`Self::bind`].
    pub fn open(
        address: &Address,
        backlog: u32,
        ownership: &Ownership,
        inherited: &mut Inherited,
    ) -> Result<Self, ListenError> {
        match inherited.take(address) {
            Some(socket) => Ok(Self::adopt(socket)),
            None => Self::bind(address, backlog, ownership),
        }
    }

    /// Binds and listens; `backlog` connections wait in the kernel at most. The file of a unix socket is given to its
    /// owner before anything can connect.
    ///
    /// A socket file that no process answers on, as a killed one leaves it, is replaced.
    pub fn bind(address: &Address, backlog: u32, ownership: &Ownership) -> Result<Self, ListenError> {
        match address {
            Address::Tcp(number) => {
                let socket = tcp(*number).map_err(|error| failed(address, error))?;
                Self::listening(address, socket, None, backlog)
            }
            Address::Unix(path) => Self::unix(address, path, backlog, ownership),
            Address::Abstract(_) => {
                let socket = nameless(address).map_err(|error| failed(address, error))?;
                Self::listening(address, socket, None, backlog)
            }
            Address::Name(..) => Err(ListenError::Name(address.clone())),
        }
    }

    fn unix(
        address: &Address,
        path: &Path,
        backlog: u32,
        ownership: &Ownership,
    ) -> Result<Self, ListenError> {
        let entry = DirectoryEntry::find(path).map_err(|error| ListenError::Path(address.clone(), error))?;
        let _lock = BindLock::acquire(&entry).map_err(|cause| ListenError::Lock {
            address: address.clone(),
            lock: BindLock::path(&entry),
            cause,
        })?;
        remove_stale(address, path, &entry)?;
        let socket = unix(path, ownership).map_err(|error| failed(address, error))?;
        let file = SocketFile::made(entry).map_err(|error| failed(address, error))?;
        file.give(ownership)
            .map_err(|error| ListenError::Access(address.clone(), error))?;
        // Under the lock: until it listens, it looks dead.
        Self::listening(address, socket, Some(file), backlog)
    }

    fn listening(
        address: &Address,
        socket: Socket,
        file: Option<SocketFile>,
        backlog: u32,
    ) -> Result<Self, ListenError> {
        socket
            .listen(limit(backlog))
            .map_err(|error| failed(address, error))?;
        Ok(Self {
            address: address.clone(),
            file,
            socket,
            lender: None,
        })
    }

    fn adopt(inherited: InheritedSocket) -> Self {
        let InheritedSocket {
            address,
            socket,
            owns_file,
            lender,
        } = inherited;
        let file = match &address {
            // A file that is gone, or has become another's, is not ours to remove.
            Address::Unix(path) if owns_file => DirectoryEntry::find(path).ok(),
            _ => None,
        };
        Self {
            address,
            file: file.and_then(|entry| SocketFile::lent(entry).ok()),
            socket: socket.into(),
            lender: Some(lender),
        }
    }
}

/// What listen(2) takes.
pub(super) fn limit(backlog: u32) -> i32 {
    i32::try_from(backlog).unwrap_or(i32::MAX)
}

fn failed(address: &Address, error: io::Error) -> ListenError {
    match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address.clone()),
        _ => ListenError::Io(address.clone(), error),
    }
}

fn tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        // Whatever net.ipv6.bindv6only says: `[::]:80` and `0.0.0.0:80` are two addresses, as for nginx.
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn unix(path: &Path, ownership: &Ownership) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    if let Some(mode) = ownership.mode {
        // bind(2) makes the file with the mode of the socket, less the umask: at no moment has it more. A system that
        // cannot do this is none the worse: the file gets its mode before it is listened on.
        let _ = fchmod(&socket, Mode::from_raw_mode(mode));
    }
    socket.bind(&SockAddr::unix(path)?)?;
    Ok(socket)
}

/// The name goes with the last descriptor of the socket: nothing is left behind, and nothing is to be removed.
fn nameless(address: &Address) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&sockaddr(address)?)?;
    Ok(socket)
}

/// Removes the file of a socket that no process has open any more.
fn remove_stale(address: &Address, path: &Path, entry: &DirectoryEntry) -> Result<(), ListenError> {
    let failed = |error| ListenError::Io(address.clone(), error);
    let node = match entry.open(OFlags::PATH) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        node => node.map_err(failed)?,
    };
    let stat = fstat(&node).map_err(|error| failed(error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        return Err(ListenError::NotASocket(address.clone()));
    }
    match knock(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(failed(error)),
        // What was dead may have been replaced meanwhile by a program that takes no lock.
        Err(error)
            if error.kind() == io::ErrorKind::ConnectionRefused
                && entry.leads_to(&node).map_err(failed)? =>
        {
            entry.remove().map_err(failed)
        }
        _ => Err(ListenError::InUse(address.clone())),
    }
}

/// Connects without waiting: a full backlog is EAGAIN (unix(7)), and a process that is too busy to accept is alive.
fn knock(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn bind(path: &Path) -> Result<BoundSocket, ListenError> {
        BoundSocket::bind(&Address::Unix(path.into()), 16, &Ownership::default())
    }

    #[test]
    fn a_busy_socket_is_in_use_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let busy = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        busy.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        busy.listen(0).unwrap();
        let _fills_the_backlog = UnixStream::connect(&path).unwrap();
        assert!(matches!(bind(&path), Err(ListenError::InUse(_))));
        assert!(path.exists());
    }

    #[test]
    fn every_address_of_ipv6_is_none_of_ipv4() {
        let all = |text: &str| BoundSocket::bind(&text.parse().unwrap(), 16, &Ownership::default());
        // A port that is free in both: mostly the first one is.
        for _ in 0..100 {
            let six = all("[::]:0").unwrap();
            let port = six.socket.local_addr().unwrap().as_socket().unwrap().port();
            if all(&format!("0.0.0.0:{port}")).is_ok() {
                return;
            }
        }
        panic!("of a hundred ports none is free in both");
    }

    #[test]
    fn a_socket_of_another_type_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let _datagrams = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        assert!(matches!(bind(&path), Err(ListenError::InUse(_))));
    }

    #[test]
    fn a_link_at_the_path_is_no_socket() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("x.sock"), dir.path().join("other.sock"));
        drop(UnixListener::bind(&other).unwrap());
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(matches!(bind(&path), Err(ListenError::NotASocket(_))));
        assert!(other.exists());
    }

    /// Between bind(2) and listen(2) a socket looks dead: the lock says that it is not.
    #[test]
    fn a_socket_that_is_about_to_listen_is_waited_for_and_not_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let lock = BindLock::acquire(&DirectoryEntry::find(&path).unwrap()).unwrap();
        let inode = fs::metadata(dir.path().join("x.sock.lock")).unwrap().ino();
        let socket = unix(&path, &Ownership::default()).unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(|| bind(&path));
            let waits = |line: &str| line.contains("-> FLOCK") && line.contains(&format!(":{inode} "));
            while !fs::read_to_string("/proc/locks").unwrap().lines().any(waits) {
                assert!(!second.is_finished(), "it did not wait");
                thread::yield_now();
            }
            socket.listen(1).unwrap();
            drop(lock);
            assert!(matches!(second.join().unwrap(), Err(ListenError::InUse(_))));
        });
        UnixStream::connect(&path).unwrap();
    }

    /// Many start at once, with a dead socket in the way: one of them listens, and the socket at the path is its.
    #[test]
    fn of_those_that_start_together_one_listens() {
        for _ in 0..50 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("x.sock");
            drop(UnixListener::bind(&path).unwrap());
            let together = Barrier::new(4);
            let start = || {
                together.wait();
                bind(&path)
            };
            let bound: Vec<_> = thread::scope(|scope| {
                let threads = [(); 4].map(|()| scope.spawn(start));
                threads.map(|thread| thread.join().unwrap()).into()
            });
            let [bound] = &bound.iter().flatten().collect::<Vec<_>>()[..] else {
                panic!("{bound:?}");
            };
            let _client = UnixStream::connect(&path).unwrap();
            bound.socket.accept().unwrap();
            assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_socket_has_no_more_than_its_mode_from_the_first_moment() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let ownership = Ownership {
            mode: Some(0o600),
            ..Ownership::default()
        };
        let _socket = unix(&path, &ownership).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn what_is_not_listened_on_in_the_end_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        drop(bind(&path).unwrap());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    }
}
