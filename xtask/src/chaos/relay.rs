//! A unix socket in front of a server's, which counts the connections that the gateway holds open.

use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use super::load::block_on;

/// Passes every connection on to the server, on a thread of its own. Dropping it ends all of them.
#[derive(Debug)]
pub(crate) struct Relay {
    socket: PathBuf,
    most: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Relay {
    /// Listens on `socket` in front of the server at `server`.
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub(crate) fn start(socket: PathBuf, server: PathBuf) -> Result<Self> {
        let most = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let (ready, listens) = std::sync::mpsc::channel();
        let thread = thread::spawn({
            let (socket, most) = (socket.clone(), most.clone());
            move || {
                block_on(async move {
                    let listener = UnixListener::bind(&socket)
                        .with_context(|| format!("cannot listen on {}", socket.display()))?;
                    // The one that waits for it is there.
                    let _ = ready.send(());
                    tokio::task::spawn_local(accept(listener, server, most));
                    // An error: the other end was dropped.
                    let _ = stopped.await;
                    Ok(())
                })?
            }
        });
        if listens.recv().is_err() {
            let ended = thread.join().map_err(|_| anyhow!("the relay panicked"))?;
            return Err(ended.err().unwrap_or_else(|| anyhow!("the relay has ended")));
        }
        Ok(Self {
            socket,
            most,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The socket as configurations name it.
    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// The most connections that the gateway has held open at once, so far.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        // What failed in it was seen by the gateway.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A connection counts as long as the gateway has not closed it: at each new one the kernel is asked about all others,
/// so that none counts whose end has merely not been read yet.
async fn accept(listener: UnixListener, server: PathBuf, most: Arc<AtomicUsize>) -> Result<()> {
    let mut open = Vec::new();
    loop {
        let (stream, _) = listener.accept().await.context("cannot accept")?;
        open.push(stream.as_fd().try_clone_to_owned()?);
        open.retain(|stream| !is_closed(stream));
        most.fetch_max(open.len(), Ordering::Relaxed);
        tokio::task::spawn_local(pass(stream, server.clone()));
    }
}

/// Whether the other side has closed, not only its sending side.
fn is_closed(stream: &OwnedFd) -> bool {
    let mut asked = [PollFd::new(stream, PollFlags::empty())];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // A question that fails counts as open, so that nothing is missed.
    poll(&mut asked, Some(&at_once)).is_ok() && asked[0].revents().contains(PollFlags::HUP)
}

async fn pass(mut gateway: UnixStream, server: PathBuf) {
    if let Ok(mut server) = UnixStream::connect(server).await {
        // An end, and an error, of one side is passed on to the other.
        let _ = copy_bidirectional(&mut gateway, &mut server).await;
    }
    // The descriptor that is counted keeps the connection open.
    let _ = SockRef::from(&gateway).shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;

    use super::*;

    /// A server that sends every connection's first byte back and keeps the connection.
    fn server(socket: &Path) -> JoinHandle<()> {
        let listener = UnixListener::bind(socket).unwrap();
        thread::spawn(move || {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept() {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap() == 0 {
                    return;
                }
                stream.write_all(&byte).unwrap();
                kept.push(stream);
            }
        })
    }

    fn greeted(socket: &Path) -> UnixStream {
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.write_all(b"x").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        stream
    }

    #[test]
    fn connections_count_until_the_gateway_closes_them() {
        let dir = tempfile::tempdir().unwrap();
        let (inside, outside) = (dir.path().join("inside"), dir.path().join("outside"));
        let server = server(&inside);
        let relay = Relay::start(outside.clone(), inside.clone()).unwrap();
        assert_eq!(relay.address(), format!("unix:{}", outside.display()));
        for _ in 0..5 {
            drop(greeted(&outside));
        }
        assert_eq!(relay.most(), 1);
        let first = greeted(&outside);
        first.shutdown(Shutdown::Write).unwrap();
        let second = greeted(&outside);
        assert_eq!(relay.most(), 2, "half a close is none");
        drop(first);
        let third = greeted(&outside);
        assert_eq!(relay.most(), 2);
        let fourth = greeted(&outside);
        assert_eq!(relay.most(), 3);
        drop((second, third, fourth, relay));
        drop(UnixStream::connect(&inside).unwrap());
        server.join().unwrap();
    }
}
