//! Accepts connections, and gives each a thread.

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::socket::Socket;
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

/// Something that serves until this is dropped.
#[derive(Debug)]
pub struct Running {
    address: Address,
    stopped: Arc<AtomicBool>,
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
                (Accepting::Unix(listener), address.clone(), Some(file))
            }
            Address::Tcp(text) => {
                let listener = TcpListener::bind(text.as_str())?;
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
        let listening = self.socket;
        let running = Running {
            address: self.address.clone(),
            stopped: Arc::new(AtomicBool::new(false)),
            _file: self.file,
        };
        let (stopped, serve, busy) = (
            running.stopped.clone(),
            Arc::new(serve),
            Arc::new(AtomicUsize::new(0)),
        );
        thread::spawn(move || {
            while let Some(socket) = listening.accept() {
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

impl Accepting {
    /// `None`: the socket is of no use any more.
    fn accept(&self) -> Option<Socket> {
        loop {
            let accepted = match self {
                Self::Unix(listener) => listener.accept().map(|(stream, _)| Socket::Unix(stream)),
                Self::Tcp(listener) => listener.accept().map(|(stream, _)| Socket::Tcp(stream)),
            };
            match accepted {
                Ok(socket) => return Some(socket),
                // A client that left before it was accepted.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::Interrupted
                    ) => {}
                Err(_) => return None,
            }
        }
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts; when that fails, there is nobody to wake.
        let _ = Socket::connect(&self.address, WAKE);
    }
}

const MAX_CONNECTIONS: usize = 256; // threads at once
const WAKE: Duration = Duration::from_millis(100); // for a connection that nothing is sent on
