//! A TCP address in front of a unix socket: as many places for one server as a test wants.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Passes every connection on to a unix socket.
///
/// Dropping it refuses new connections and ends those that are open, as a stopped container does.
#[derive(Debug)]
pub struct Door {
    addr: SocketAddr,
    passed: Arc<Passed>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Passed {
    count: AtomicUsize,
    /// `None` once the door is shut.
    open: Mutex<Option<Vec<TcpStream>>>,
}

impl Door {
    /// Listens on `addr` in front of the socket at `path`. Every address of `127.0.0.0/8` is ours on Linux.
    ///
    /// # Errors
    ///
    /// When the address is taken.
    pub fn open(addr: SocketAddr, path: &Path) -> Result<Self> {
        let listener = TcpListener::bind(addr).with_context(|| format!("cannot listen on {addr}"))?;
        let addr = listener.local_addr()?;
        let passed = Arc::new(Passed {
            open: Mutex::new(Some(Vec::new())),
            ..Passed::default()
        });
        let accepting = std::thread::spawn({
            let (passed, path) = (passed.clone(), path.to_owned());
            move || accept(&listener, &path, &passed)
        });
        Ok(Self {
            addr,
            passed,
            accepting: Some(accepting),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Connections passed on so far.
    pub fn passed(&self) -> usize {
        self.passed.count.load(Ordering::Relaxed)
    }

    /// Waits until that many connections were passed on.
    ///
    /// # Errors
    ///
    /// After ten seconds.
    pub fn wait_passed(&self, count: usize) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while self.passed() < count {
            ensure!(
                Instant::now() < deadline,
                "{} connections through {} instead of {count}",
                self.passed(),
                self.addr
            );
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let open = self
            .passed
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Wakes the thread that accepts, which closes the listener.
        let _ = TcpStream::connect(self.addr);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for stream in open.into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, path: &PathBuf, passed: &Arc<Passed>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { return };
        let Ok(ours) = stream.try_clone() else { return };
        match &mut *passed.open.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(open) => open.push(ours),
            None => return,
        }
        passed.count.fetch_add(1, Ordering::Relaxed);
        // Who is refused inside finds out by the end of the connection.
        if let Ok(inside) = UnixStream::connect(path) {
            let _ = pass(stream, inside);
        }
    }
}

/// Copies both ways, each on a thread of its own; an end is passed on.
fn pass(outside: TcpStream, inside: UnixStream) -> io::Result<()> {
    outside.set_nodelay(true)?;
    let (mut from, mut to) = (outside.try_clone()?, inside.try_clone()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (inside, outside);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    Ok(())
}

const LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);
