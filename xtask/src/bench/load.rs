//! The load: clients that send counted requests and check every answer.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::answer;
use super::channel::{Channel, Security};
use super::scenario::{HOST, PATH};
use super::streams::Streams;
use crate::http2::{HTTP, HTTPS, get};

/// What is asked for, where, and what has to come back.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// The server.
    pub(crate) addr: SocketAddr,
    /// The bytes of each request, its body included.
    pub(crate) request: Vec<u8>,
    /// The length of the body of each answer.
    pub(crate) answer: u64,
    /// Whether it has to come as gzip, and is shorter then.
    pub(crate) is_gzip: bool,
    /// Each has a thread of its own.
    pub(crate) clients: usize,
    /// What the requests come on.
    pub(crate) connections: Connections,
    /// How the clients connect.
    pub(crate) security: Security,
}

/// What requests come on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// One for each client, one request after the other.
    Kept,
    /// One for each request.
    Fresh,
    /// One for each client, of HTTP/2, with so many requests at a time.
    Streams(usize),
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
                .map(|index| scope.spawn(move || self.client(index, share(index), deadline)))
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
    pub(crate) fn idle(&self, count: usize) -> Result<Vec<Box<dyn Channel>>> {
        let deadline = Instant::now() + LIMIT;
        let one = |index| {
            // With an earlier session or not.
            let mut stream = self.security.open(self.addr, index, 0)?;
            match self.connections {
                Connections::Streams(_) => self.streams(&mut stream, 1, 1, deadline)?,
                Connections::Kept | Connections::Fresh => self.exchange(&mut self.buffered(&mut stream))?,
            }
            Ok(stream)
        };
        (0..count).map(one).collect()
    }

    fn client(&self, index: usize, requests: usize, deadline: Instant) -> Result<()> {
        let open = |earlier| self.security.open(self.addr, index, earlier);
        match self.connections {
            Connections::Kept => {
                let mut stream = self.buffered(open(0)?);
                for _ in 0..requests {
                    in_time(deadline)?;
                    self.exchange(&mut stream)?;
                }
                Ok(())
            }
            Connections::Fresh => (0..requests).try_for_each(|earlier| {
                in_time(deadline)?;
                let mut stream = self.buffered(open(earlier)?);
                self.exchange(&mut stream)?;
                stream.into_inner().close()
            }),
            Connections::Streams(at_once) => self.streams(open(0)?, requests, at_once, deadline),
        }
    }

    /// With room for the answers.
    fn buffered<S: Read>(&self, stream: S) -> BufReader<S> {
        let capacity = if self.answer > SMALL as u64 { LARGE } else { SMALL };
        BufReader::with_capacity(capacity, stream)
    }

    fn streams(
        &self,
        stream: impl Read + Write,
        requests: usize,
        at_once: usize,
        deadline: Instant,
    ) -> Result<()> {
        let scheme = match self.security {
            Security::Clear => HTTP,
            Security::Tls { .. } => HTTPS,
        };
        let fields = get(scheme, PATH, HOST);
        Streams::new(stream).ask(&fields, requests, at_once, self.answer, deadline)
    }

    fn exchange<S: Read + Write>(&self, stream: &mut BufReader<S>) -> Result<()> {
        let to = stream.get_mut();
        to.write_all(&self.request).context("cannot send")?;
        to.flush().context("cannot send")?;
        let body = answer::read(stream)?;
        let is_right = match self.is_gzip {
            true => body.length < self.answer,
            false => body.length == self.answer,
        };
        ensure!(
            is_right && body.is_gzip == self.is_gzip,
            "{body:?}, not one of {} bytes",
            self.answer
        );
        Ok(())
    }
}

fn in_time(deadline: Instant) -> Result<()> {
    ensure!(Instant::now() < deadline, "the load is not done after {LIMIT:?}");
    Ok(())
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
