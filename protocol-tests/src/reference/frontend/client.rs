//! The client's connection: bytes until the end of a head, of a line, of a body.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::Fault;
use super::refusal::Refusal;
use crate::reference::Seeded;
use crate::reference::socket::Socket;

/// A connection and what has arrived on it, but was not used yet.
pub(super) struct Client {
    pub(super) socket: Socket,
    buffer: Vec<u8>,
    fault: Seeded<Fault>,
}

impl Client {
    pub(super) fn new(socket: Socket, fault: Seeded<Fault>) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
            fault,
        }
    }

    /// The next head with its blank line; `None` when the client has closed instead.
    pub(super) fn head(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        if self.fault.is(Fault::PipelinedDropped) {
            self.buffer.clear();
        }
        let idle = Instant::now() + KEEP;
        while self.buffer.is_empty() {
            if self.fill(idle).map_or(0, |count| count) == 0 {
                return Ok(None);
            }
        }
        let mut deadline = Instant::now() + self.head_time();
        loop {
            if let Some(end) = self.head_end()? {
                let rest = self.buffer.split_off(end);
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
            if self.fault.is(Fault::HeadInOneRead) {
                return Err(Refusal::bad("half a head"));
            }
            if self.fault.is(Fault::HeadTimeBetweenReads) {
                deadline = Instant::now() + self.head_time();
            }
            match self.fill(deadline) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {
                    return Err(Refusal::Request(408, "the head takes too long"));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn head_time(&self) -> Duration {
        match self.fault.is(Fault::NoHeadTimeout) {
            true => ENDLESS,
            false => HEAD_TIME,
        }
    }

    /// Where the head ends, if its blank line has come. Every line must end with CR LF.
    fn head_end(&mut self) -> Result<Option<usize>, Refusal> {
        // RFC 9112, section 2.2: an empty line before a request is ignored.
        if self.buffer.starts_with(b"\r\n") && !self.fault.is(Fault::EmptyLineRefused) {
            self.buffer.drain(..2);
        }
        if self.buffer.starts_with(b"PROXY ") && self.fault.is(Fault::ProxyLineTaken) {
            let end = self.buffer.iter().position(|byte| *byte == b'\n');
            self.buffer.drain(..end.map_or(0, |end| end + 1));
        }
        if self.fault.is(Fault::LfInValues) {
            return Ok(find(&self.buffer, b"\r\n\r\n").map(|at| at + 4));
        }
        let lenient = self.fault.is(Fault::LongPairsCut) || self.fault.is(Fault::SizeWraps);
        let endless = self.fault.is(Fault::EndlessRequestHead);
        let limit = match () {
            () if endless => usize::MAX,
            () if lenient => 4 * MAX_HEAD,
            () => MAX_HEAD,
        };
        let mut start = 0;
        while let Some(length) = self.buffer[start..].iter().position(|byte| *byte == b'\n') {
            let line = &self.buffer[start..start + length];
            start += length + 1;
            if start > limit {
                break;
            }
            match line {
                b"\r" => return Ok(Some(start)),
                line if !line.ends_with(b"\r") && !self.fault.is(Fault::BareLfIgnored) => {
                    return Err(Refusal::bad("a line without CR"));
                }
                _ => {}
            }
        }
        match (start, self.buffer.len()) {
            (0, length) if length > MAX_LINE && !endless => {
                Err(Refusal::Request(414, "the request line is too long"))
            }
            (_, length) if length > limit => Err(Refusal::Request(431, "the head is too long")),
            _ => Ok(None),
        }
    }

    /// So many bytes of a body.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<u8>, Refusal> {
        while self.buffer.len() < count {
            if self.more()? == 0 {
                if self.fault.is(Fault::AbortedUploadSent) {
                    return Ok(std::mem::take(&mut self.buffer));
                }
                return Err(Refusal::Client(ErrorKind::UnexpectedEof.into()));
            }
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// A line of a body in chunks, without its CR LF; no longer than `limit`.
    pub(super) fn line(&mut self, limit: usize) -> Result<Vec<u8>, Refusal> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let mut line = self.take(end + 1)?;
                line.pop();
                return match line.pop_if(|byte| *byte == b'\r') {
                    None if !self.fault.is(Fault::BareLfInChunks) => Err(Refusal::bad("a line without CR")),
                    _ => Ok(line),
                };
            }
            if self.buffer.len() > limit {
                return Err(Refusal::bad("a line that is too long"));
            }
            if self.more()? == 0 {
                return Err(Refusal::Client(ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// For faults: everything up to the next empty line, whatever it is.
    pub(super) fn skip_trailers(&mut self) -> Result<(), Refusal> {
        loop {
            // A body without trailers ends with the empty line alone.
            if self.buffer.starts_with(b"\r\n") {
                self.buffer.drain(..2);
                return Ok(());
            }
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                self.buffer.drain(..at + 4);
                return Ok(());
            }
            if self.more()? == 0 {
                return Err(Refusal::Client(ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// What has arrived behind the request.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    fn more(&mut self) -> Result<usize, Refusal> {
        let idle = if self.fault.is(Fault::NoBodyTimeout) {
            ENDLESS
        } else {
            BODY_IDLE
        };
        match self.fill(Instant::now() + idle) {
            Err(error) if is_timeout(&error) => Err(Refusal::Request(408, "the body takes too long")),
            result => Ok(result?),
        }
    }

    fn fill(&mut self, deadline: Instant) -> io::Result<usize> {
        self.socket
            .set_patience(deadline.saturating_duration_since(Instant::now()))?;
        let mut buffer = [0; 64 << 10];
        let count = self.socket.read(&mut buffer)?;
        self.buffer.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    /// Sends something, and waits as long as a client may take to read it.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.set_patience(WRITE)?;
        self.socket.write_all(bytes)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

const MAX_HEAD: usize = 64 << 10; // bytes
const MAX_LINE: usize = 16 << 10; // bytes of the request line
const HEAD_TIME: Duration = Duration::from_secs(2); // from the first byte of a head to its last
const BODY_IDLE: Duration = Duration::from_secs(2); // between two pieces of a body
const KEEP: Duration = Duration::from_secs(5); // between two requests
const WRITE: Duration = Duration::from_secs(10); // for a client that does not read
const ENDLESS: Duration = Duration::from_secs(3600); // as good as no limit
