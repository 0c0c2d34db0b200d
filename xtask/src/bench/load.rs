//! The load: clients that send one counted request after the other, each on one connection, and check every answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

/// What is asked for, where, and what has to come back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The server.
    pub(crate) addr: SocketAddr,
    /// The path of each request.
    pub(crate) path: &'static str,
    /// Connections, each with a thread of its own.
    pub(crate) clients: usize,
}

impl Load {
    /// Sends `requests`, shared evenly among the clients. Gives up after [`LIMIT`].
    ///
    /// # Errors
    ///
    /// At the first answer that is missing, or not [`STATUS`] with [`BODY`].
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
        let mut buffer = Vec::new();
        (0..count)
            .map(|_| {
                let mut stream = self.connect()?;
                exchange(&mut stream, &self.request(), &mut buffer)?;
                Ok(stream)
            })
            .collect()
    }

    fn client(&self, requests: usize, deadline: Instant) -> Result<()> {
        let mut stream = self.connect()?;
        let request = self.request();
        let mut buffer = Vec::new();
        for _ in 0..requests {
            ensure!(Instant::now() < deadline, "the load is not done after {LIMIT:?}");
            exchange(&mut stream, &request, &mut buffer)?;
        }
        Ok(())
    }

    fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.addr, PATIENCE).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    fn request(&self) -> Vec<u8> {
        format!("GET {} HTTP/1.1\r\nHost: bench.example\r\n\r\n", self.path).into_bytes()
    }
}

fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    stream.write_all(request).context("cannot send")?;
    let mut bytes = [0; 4096];
    loop {
        let count = stream.read(&mut bytes).context("no answer")?;
        ensure!(count > 0, "closed after {:?}", String::from_utf8_lossy(buffer));
        buffer.extend_from_slice(&bytes[..count]);
        if let Some(body) = answer(buffer)? {
            ensure!(body == BODY.len(), "a body of {body} bytes, not {}", BODY.len());
            return Ok(());
        }
    }
}

/// The length of the body, once the answer is complete.
fn answer(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, body) = (&bytes[..end], &bytes[end + 4..]);
    ensure!(
        head.starts_with(STATUS.as_bytes()),
        "not answered with {STATUS}: {}",
        String::from_utf8_lossy(bytes)
    );
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut fields = head.split("\r\n").filter_map(|line| line.split_once(": "));
    match fields.find(|(name, _)| matches!(*name, "content-length" | "transfer-encoding")) {
        Some(("content-length", length)) => {
            let length: usize = length.parse().context("Content-Length")?;
            ensure!(body.len() <= length, "more than was announced");
            Ok((body.len() == length).then_some(length))
        }
        Some(_) => chunked(body),
        None => bail!("an answer without a length: {head}"),
    }
}

/// The length of a chunked body, once it is complete. Trailers are not expected.
fn chunked(mut bytes: &[u8]) -> Result<Option<usize>> {
    let mut length = 0;
    loop {
        let Some(end) = find(bytes, b"\r\n") else {
            return Ok(None);
        };
        let size = String::from_utf8_lossy(&bytes[..end]);
        let size = usize::from_str_radix(&size, 16).with_context(|| format!("chunk size {size:?}"))?;
        let Some(rest) = bytes.get(end + 2 + size + 2..) else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(length));
        }
        length += size;
        bytes = rest;
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// What every answer begins with.
pub(crate) const STATUS: &str = "HTTP/1.1 200 ";

/// What every answer holds.
pub(crate) const BODY: &str = "hello world";

const LIMIT: Duration = Duration::from_secs(180); // for a whole run; under valgrind the slowest takes 20
const PATIENCE: Duration = Duration::from_secs(20); // for one answer

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_complete_at_its_last_byte_only() {
        let fixed = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 11\r\n\r\nhello world".as_slice();
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n".as_slice();
        for whole in [fixed, chunked] {
            for split in 0..whole.len() {
                assert_eq!(answer(&whole[..split]).unwrap(), None);
            }
            assert_eq!(answer(whole).unwrap(), Some(11));
        }
    }

    #[test]
    fn other_answers_are_errors() {
        assert!(answer(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(answer(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab").is_err());
    }
}
