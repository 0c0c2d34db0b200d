//! The load: clients that send one counted request after the other, each on one connection, and check every answer.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::answer;

/// What is asked for, where, and what has to come back.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// The server.
    pub(crate) addr: SocketAddr,
    /// The bytes of each request, its body included.
    pub(crate) request: Vec<u8>,
    /// The length of the body of each answer.
    pub(crate) answer: u64,
    /// Connections, each with a thread of its own.
    pub(crate) clients: usize,
}

impl Load {
    /// Sends `requests`, shared evenly among the clients. Gives up after [`LIMIT`].
    ///
    /// # Errors
    ///
    /// At the first answer that is missing, or not the expected one.
    pub(crate) fn run(&self, requests: usize) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        let share = |index| requests / self.clients + usize::from(index < requests % self.clients);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|index| scope.spawn(move || self.client(share(index), deadline)))
                .collect();
            for client in clients {
                client.join().map_err(|_| anyhow!("a client panicked"))??;
            }
            Ok(())
        })
    }

    /// Opens `count` connections, sends one request on each, and leaves them open.
    ///
    /// # Errors
    ///
    /// As [`Load::run`].
    pub(crate) fn idle(&self, count: usize) -> Result<Vec<TcpStream>> {
        (0..count)
            .map(|_| {
                let mut stream = BufReader::with_capacity(SMALL, connect(self.addr)?);
                self.exchange(&mut stream)?;
                Ok(stream.into_inner())
            })
            .collect()
    }

    fn client(&self, requests: usize, deadline: Instant) -> Result<()> {
        let capacity = if self.answer > SMALL as u64 { LARGE } else { SMALL };
        let mut stream = BufReader::with_capacity(capacity, connect(self.addr)?);
        for _ in 0..requests {
            ensure!(Instant::now() < deadline, "the load is not done after {LIMIT:?}");
            self.exchange(&mut stream)?;
        }
        Ok(())
    }

    fn exchange(&self, stream: &mut BufReader<TcpStream>) -> Result<()> {
        stream.get_mut().write_all(&self.request).context("cannot send")?;
        let length = answer::read(stream)?;
        ensure!(
            length == self.answer,
            "a body of {length} bytes, not {}",
            self.answer
        );
        Ok(())
    }
}

/// A connection to `addr` on which nothing waits for longer than [`PATIENCE`].
///
/// # Errors
///
/// When there is none.
pub(crate) fn connect(addr: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&addr, PATIENCE).context("cannot connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

const LIMIT: Duration = Duration::from_secs(180); // for a whole run; under valgrind the slowest takes 20
pub(crate) const PATIENCE: Duration = Duration::from_secs(20); // for one answer
const SMALL: usize = 4096; // bytes
const LARGE: usize = 256 * 1024; // bytes
