//! Accepts connections, and gives each a thread.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::socket::{Glimpse, Socket};
use crate::net::{self, Address, SocketFile};

/// A bound address.
#[derive(Debug)]
pub struct Listener {
    socket: Accepting,
    address: Address,
    file: Option<SocketFile>,
}

#[derive(Debug)]
enum Accepting {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A socket that listens, and what was accepted from it.
#[derive(Debug)]
struct Connections {
    listening: Accepting,
    /// Locked while a connection is taken from the listener: it is always in one of the two.
    open: Mutex<Vec<Glimpse>>,
}

/// Something that serves until this is dropped.
#[derive(Debug)]
pub struct Running {
    address: Address,
    stopped: Arc<AtomicBool>,
    connections: Arc<Connections>,
    /// Removed with this.
    _file: Option<SocketFile>,
}

impl Listener {
    /// Binds. A unix socket that nobody listens at any more is replaced; port 0 becomes one that is free.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn bind(address: &Address) -> io::Result<Self> {
        let (socket, address, file) = match address {
            Address::Unix(path) => {
                let (listener, file) = net::listen(path)?;
                file.open_to_all()?;
                listener.set_nonblocking(true)?;
                (Accepting::Unix(listener), address.clone(), Some(file))
            }
            Address::Abstract(name) => {
                let listener = net::listen_abstract(name)?;
                listener.set_nonblocking(true)?;
                (Accepting::Unix(listener), address.clone(), None)
            }
            Address::Tcp(text) => {
                let listener = TcpListener::bind(text.as_str())?;
                listener.set_nonblocking(true)?;
                let bound = Address::Tcp(listener.local_addr()?.to_string());
                (Accepting::Tcp(listener), bound, None)
            }
        };
        Ok(Self {
            socket,
            address,
            file,
        })
    }

    /// Serves every connection in its own thread.
    pub(super) fn serve(self, serve: impl Fn(Socket) + Send + Sync + 'static) -> Running {
        let connections = Arc::new(Connections {
            listening: self.socket,
            open: Mutex::default(),
        });
        let running = Running {
            address: self.address.clone(),
            stopped: Arc::new(AtomicBool::new(false)),
            connections: connections.clone(),
            _file: self.file,
        };
        let (stopped, serve, busy) = (
            running.stopped.clone(),
            Arc::new(serve),
            Arc::new(AtomicUsize::new(0)),
        );
        thread::spawn(move || {
            while let Some(socket) = connections.accept() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // Whoever is one too many is closed at once.
                if busy.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
                    busy.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                let (serve, busy) = (serve.clone(), busy.clone());
                thread::spawn(move || {
                    serve(socket);
                    busy.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        running
    }
}

impl Connections {
    /// `None`: the socket is of no use any more.
    fn accept(&self) -> Option<Socket> {
        loop {
            self.listening.wait(None);
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            match self.listening.accept() {
                Ok(socket) => {
                    open.retain(|known| known.has_unread().is_some());
                    open.push(socket.glimpse());
                    return Some(socket);
                }
                // A client that left before it was accepted.
                Err(error) if is_temporary(&error) => {}
                Err(_) => return None,
            }
        }
    }

    fn has_unread(&self) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.listening.wait(Some(Duration::ZERO)) || open.iter().any(|known| known.has_unread() == Some(true))
    }
}

impl Accepting {
    /// Waits for a connection, and says whether there is one.
    fn wait(&self, limit: Option<Duration>) -> bool {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut fds = [PollFd::new(self, PollFlags::IN)];
        matches!(poll(&mut fds, limit.as_ref()), Ok(1..))
    }

    /// Does not wait.
    fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Unix(listener) => listener.accept().map(|(stream, _)| stream.into()),
            Self::Tcp(listener) => listener.accept().map(|(stream, _)| stream.into()),
        }
    }
}

impl AsFd for Accepting {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(listener) => listener.as_fd(),
            Self::Tcp(listener) => listener.as_fd(),
        }
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits until everything that was sent to it has been read, at most until then.
    pub fn settle(&self, until: Instant) {
        while self.connections.has_unread() && Instant::now() < until {
            thread::sleep(GLANCE);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts; when that fails, there is nobody to wake.
        let _ = Socket::connect(&self.address, WAKE);
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::Interrupted | ErrorKind::WouldBlock
    )
}

const MAX_CONNECTIONS: usize = 256; // threads at once
const GLANCE: Duration = Duration::from_micros(200); // between two looks at the connections
const WAKE: Duration = Duration::from_millis(100); // for a connection that nothing is sent on
