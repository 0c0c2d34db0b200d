//! Outgoing connections.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::address::sockaddr;
use super::dialed::DialedSocket;
use super::lookup::Lookups;
use super::{Address, Obstacle, Stream};
use crate::telemetry::Reason;

/// Why there is no connection. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// EAGAIN on a unix socket: a process listens, its backlog is full (unix(7)). Full, not dead.
    #[error("backlog is full")]
    Full,
    /// No process listens.
    #[error("nobody listens there")]
    Refused,
    /// The socket file does not exist.
    #[error("{0}")]
    Missing(Box<Obstacle>),
    /// The socket file or a directory above it is closed to us.
    #[error("{0}")]
    Forbidden(Box<Obstacle>),
    /// The deadline passed.
    #[error("timed out")]
    Timeout,
    /// The other side is there, and TLS with it failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// No descriptor is left for a connection: says nothing about the other side.
    #[error("{0}: raise LimitNOFILE= of the unit, `ulimit -n` or fs.file-max, or lower max_connections")]
    NoDescriptor(io::Error),
    /// Anything else.
    #[error("{0}")]
    Io(io::Error),
}

/// Makes connections; what it has to ask the system for holds few of the threads that wait. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connector {
    lookups: Lookups,
    explanations: Arc<Semaphore>,
}

/// EMFILE: the process has as many open as it may.
const EMFILE: i32 = 24;

/// ENFILE: the machine has.
const ENFILE: i32 = 23;

/// Threads that look for what is in the way to a socket: they ask for names of users, of a directory service perhaps.
const EXPLANATIONS: usize = 4;

impl Default for Connector {
    fn default() -> Self {
        Self {
            lookups: Lookups::default(),
            explanations: Arc::new(Semaphore::new(EXPLANATIONS)),
        }
    }
}

/// Connects once, within `timeout`. What connects often has a [`Connector`].
pub async fn connect(address: &Address, timeout: Duration) -> Result<Stream, ConnectError> {
    Connector::default().connect(address, timeout).await
}

impl Connector {
    /// Connects to a unix socket that takes the connection. Any other needs time, or to be told why not: `None` says that
    /// [`connect`](Self::connect) has to.
    pub fn connect_now(&self, address: &Address) -> Option<Stream> {
        match address {
            Address::Unix(_) | Address::Abstract(_) => unix(address).ok().map(Stream::from),
            Address::Tcp(_) | Address::Name(..) => None,
        }
    }

    /// Connects within `timeout`.
    pub async fn connect(&self, address: &Address, timeout: Duration) -> Result<Stream, ConnectError> {
        if let Address::Unix(_) | Address::Abstract(_) = address {
            return match unix(address) {
                Ok(socket) => Ok(socket.into()),
                Err(error) => Err(self.unix_error(address, error, timeout).await),
            };
        }
        let stream = tokio::time::timeout(timeout, self.tcp(address))
            .await
            .map_err(|_| ConnectError::Timeout)??;
        stream.set_nodelay(true)?;
        Ok(stream.into())
    }

    async fn tcp(&self, address: &Address) -> io::Result<TcpStream> {
        match address {
            Address::Tcp(address) => TcpStream::connect(address).await,
            Address::Name(host, port) => {
                let found = self.lookups.find(host, *port).await?;
                TcpStream::connect(&*found).await
            }
            Address::Unix(_) | Address::Abstract(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Looks at once for what is in the way: it may be gone by the time that the log is read.
    async fn unix_error(&self, address: &Address, error: io::Error, timeout: Duration) -> ConnectError {
        let Address::Unix(path) = address else {
            return error.into();
        };
        let explained = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ConnectError::Missing,
            io::ErrorKind::PermissionDenied => ConnectError::Forbidden,
            _ => return error.into(),
        };
        let unexplained = Obstacle::unexplained(path, &error);
        let explaining = self.explain(path.to_owned(), error);
        let obstacle = match tokio::time::timeout(timeout, explaining).await {
            Ok(Some(obstacle)) => obstacle,
            Ok(None) | Err(_) => unexplained,
        };
        explained(Box::new(obstacle))
    }

    /// Looks along the path, and asks for the names of users, where waiting for them holds up nothing else. A thread
    /// that waits counts for as long as it does, also without the request.
    async fn explain(&self, path: PathBuf, error: io::Error) -> Option<Obstacle> {
        let thread = self.explanations.clone().acquire_owned().await;
        let looking = tokio::task::spawn_blocking(move || {
            let _thread = thread;
            Obstacle::explain(&path, &error)
        });
        looking.await.ok()
    }
}

/// A unix socket connects or fails at once: no timer, and nothing to wait for.
fn unix(address: &Address) -> io::Result<DialedSocket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.connect(&sockaddr(address)?)?;
    DialedSocket::new(socket.into())
}

impl ConnectError {
    /// The word that names it in logs and in the `Bridgehead-Error` field.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Full => Reason::BacklogFull,
            Self::Refused => Reason::ConnectRefused,
            Self::Missing(_) => Reason::SocketMissing,
            Self::Forbidden(_) => Reason::SocketForbidden,
            Self::Timeout => Reason::ConnectTimeout,
            Self::Tls(_) => Reason::BackendTlsFailed,
            Self::NoDescriptor(_) => Reason::NoDescriptor,
            Self::Io(_) => Reason::ConnectFailed,
        }
    }

    /// Whether the gateway is to blame: another endpoint is not reached either.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::NoDescriptor(_))
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) {
            return Self::NoDescriptor(error);
        }
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::Full,
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Timeout,
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn unix(path: &std::path::Path) -> Address {
        Address::Unix(path.into())
    }

    #[tokio::test]
    async fn a_missing_socket_and_a_dead_one_have_different_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        assert!(matches!(
            connect(&unix(&path), SOON).await,
            Err(ConnectError::Missing(_))
        ));
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(matches!(
            connect(&unix(&path), SOON).await,
            Err(ConnectError::Refused)
        ));
    }

    #[tokio::test]
    async fn an_explanation_that_takes_too_long_is_done_without() {
        let path = std::path::Path::new("/nonexistent/x.sock");
        let connector = Connector::default();
        let _all = connector.explanations.acquire_many(EXPLANATIONS as u32).await;
        let soon = Duration::from_millis(1);
        let failed = connector.connect(&unix(path), soon).await;
        assert!(matches!(failed, Err(ConnectError::Missing(_))));
    }

    #[tokio::test]
    async fn a_unix_socket_that_listens_needs_no_waiting_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let connector = Connector::default();
        assert!(connector.connect_now(&unix(&path)).is_none());
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(connector.connect_now(&unix(&path)).is_some());
    }

    #[tokio::test]
    async fn a_full_backlog_is_full_and_not_dead() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
        socket.listen(0).unwrap();
        let _first = connect(&unix(&path), SOON).await.unwrap();
        assert!(matches!(
            connect(&unix(&path), SOON).await,
            Err(ConnectError::Full)
        ));
    }

    #[tokio::test]
    async fn a_name_is_resolved() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // No address to us and one to the C library: neither /etc/hosts nor the DNS is asked.
        let address = Address::Name("127.1".into(), port);
        assert!(connect(&address, SOON).await.unwrap().peer_addr().is_some());
    }
}
