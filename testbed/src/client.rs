//! An HTTP client that sends what it is told, byte for byte, and reports what it got.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::tls::{Agreed, Secured, Tls, finish};

/// One connection. Every read and write fails after ten seconds.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    /// Received and not used yet.
    buffer: Vec<u8>,
    /// The end of the stream was seen.
    closed: bool,
    /// Whether the responses due have a body, oldest first; empty: they do.
    bodiless: Vec<bool>,
}

/// What carries it.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<Secured>),
}

/// A response as received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// `HTTP/1.1`
    pub version: String,
    /// Status.
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// The same byte for byte: names with their letters, values without the white space around them.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// Body without its framing.
    pub body: Vec<u8>,
    /// Whether the body ended as its framing announced.
    pub complete: bool,
    /// Whether the stream ended with or within the response.
    pub closed: bool,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, LIMIT).context("cannot connect")?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: Stream::Plain(stream),
            buffer: Vec::new(),
            closed: false,
            bodiless: Vec::new(),
        })
    }

    /// Connects, and shakes hands.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub fn connect_tls(addr: SocketAddr, tls: &Tls) -> Result<Self> {
        Self::connect(addr)?.shake(tls, |client, hello| client.send(hello))
    }

    /// Shakes hands. `say` sends what comes first, with whatever is to stand in front of it.
    ///
    /// # Errors
    ///
    /// When that fails, or `say` does.
    pub fn shake(mut self, tls: &Tls, say: impl FnOnce(&mut Self, &[u8]) -> Result<()>) -> Result<Self> {
        let (begun, hello) = tls.begin()?;
        say(&mut self, &hello)?;
        match self.stream {
            Stream::Plain(stream) => Ok(Self {
                stream: Stream::Tls(Box::new(finish(begun, stream)?)),
                ..self
            }),
            Stream::Tls(_) => bail!("shaken hands already"),
        }
    }

    /// What both sides of TLS agreed on.
    ///
    /// # Panics
    ///
    /// Without TLS.
    pub fn agreed(&self) -> Agreed {
        match &self.stream {
            Stream::Plain(_) => panic!("there is no TLS"),
            Stream::Tls(stream) => stream.agreed(),
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// When the other side has closed, or takes nothing for ten seconds.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let bytes = bytes.as_ref();
        let sent = match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
        sent.context("cannot send")
    }

    /// Sends a request with a `Host`, unless `headers` has one, and with the length of a body that is not empty.
    ///
    /// # Errors
    ///
    /// As [`Client::send`].
    pub fn send_request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<()> {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        let has = |name: &str| headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        if !has("host") {
            head.push_str("Host: test.example\r\n");
        }
        if !body.is_empty() && !has("content-length") && !has("transfer-encoding") {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.bodiless.push(method == "HEAD");
        self.send([head.as_bytes(), body].concat())
    }

    /// [`Client::send_request`], then [`Client::read_response`].
    ///
    /// # Errors
    ///
    /// As those.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response> {
        self.send_request(method, target, headers, body)?;
        self.read_final()
    }

    /// The next response that is no interim one.
    ///
    /// # Errors
    ///
    /// As [`Client::read_response`].
    pub fn read_final(&mut self) -> Result<Response> {
        loop {
            let response = self.read_response()?;
            if !matches!(response.status, 100 | 102..200) {
                return Ok(response);
            }
        }
    }

    /// The next response, interim ones included. A body that breaks off makes it incomplete, not an error.
    ///
    /// # Errors
    ///
    /// When there is no complete response head, or nothing comes for ten seconds.
    pub fn read_response(&mut self) -> Result<Response> {
        let mut response = self.read_head()?;
        let interim = (100..200).contains(&response.status);
        let bodiless = if interim || self.bodiless.is_empty() {
            false
        } else {
            self.bodiless.remove(0)
        };
        if interim || bodiless || matches!(response.status, 204 | 304) {
            response.complete = true;
        } else if response
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            response.complete = self.chunked(&mut response.body)?;
        } else if let Some(length) = response.header("content-length") {
            let length = length
                .parse()
                .with_context(|| format!("Content-Length: {length}"))?;
            response.body = self.take(length)?;
            response.complete = response.body.len() == length;
        } else {
            response.body = self.rest()?;
            response.complete = true;
        }
        response.closed = self.closed;
        Ok(response)
    }

    /// Every response until the gateway closes.
    ///
    /// # Errors
    ///
    /// As [`Client::read_response`]; also when the connection stays open.
    pub fn read_all(&mut self) -> Result<Vec<Response>> {
        let mut responses = Vec::new();
        while !self.buffer.is_empty() || self.fill()? {
            responses.push(self.read_response()?);
        }
        Ok(responses)
    }

    /// The head of the next response; its body is left to [`Client::rest`] and [`Client::take`].
    ///
    /// # Errors
    ///
    /// As [`Client::read_response`].
    pub fn read_head(&mut self) -> Result<Response> {
        let Some(end) = self.find(b"\r\n\r\n")? else {
            bail!("closed before a response head: {}", text(&self.buffer));
        };
        let head = self.take(end + 4)?;
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let status_line = text(lines.next().unwrap_or_default());
        let mut words = status_line.splitn(3, ' ');
        let version = words.next().unwrap_or_default().to_owned();
        let status = words.next().unwrap_or_default().parse();
        let fields: Vec<_> = lines.filter(|line| !line.is_empty()).map(field).collect();
        let headers = fields
            .iter()
            .map(|(name, value)| (text(name).to_ascii_lowercase(), text(value)));
        Ok(Response {
            version,
            status: status.with_context(|| format!("status line {status_line:?}"))?,
            headers: headers.collect(),
            fields,
            ..Response::default()
        })
    }

    /// Up to `length` bytes: fewer when the stream ends before.
    ///
    /// # Errors
    ///
    /// When nothing comes for ten seconds.
    pub fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < length && self.fill()? {}
        let length = length.min(self.buffer.len());
        Ok(self.buffer.drain(..length).collect())
    }

    /// Everything until the end of the stream. A reset is an error: it may have destroyed something.
    ///
    /// # Errors
    ///
    /// When the stream is reset, or nothing comes for ten seconds.
    pub fn rest(&mut self) -> Result<Vec<u8>> {
        while self.fill()? {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Closes the sending side.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn shutdown_write(&self) -> Result<()> {
        self.stream()
            .shutdown(Shutdown::Write)
            .context("cannot shut down")
    }

    /// The socket, for options and for threads of their own.
    pub fn stream(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.socket(),
        }
    }

    /// Whether the body ended as it should.
    fn chunked(&mut self, body: &mut Vec<u8>) -> Result<bool> {
        loop {
            let Some(end) = self.find(b"\r\n")? else {
                return Ok(false);
            };
            let line = text(&self.take(end + 2)?);
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).with_context(|| format!("chunk size {line:?}"))?;
            if size == 0 {
                return self.trailers();
            }
            let data = self.take(size)?;
            let whole = data.len() == size;
            body.extend(data);
            if !whole || self.take(2)? != b"\r\n" {
                return Ok(false);
            }
        }
    }

    fn trailers(&mut self) -> Result<bool> {
        while let Some(end) = self.find(b"\r\n")? {
            if self.take(end + 2)? == b"\r\n" {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where `pattern` begins; `None` when the stream ends without it.
    fn find(&mut self, pattern: &[u8]) -> Result<Option<usize>> {
        loop {
            let found = self
                .buffer
                .windows(pattern.len())
                .position(|bytes| bytes == pattern);
            if found.is_some() || !self.fill()? {
                return Ok(found);
            }
        }
    }

    /// Reads once; `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool> {
        let mut bytes = [0; 16 * 1024];
        if self.closed {
            return Ok(false);
        }
        let read = match &mut self.stream {
            Stream::Plain(stream) => stream.read(&mut bytes),
            Stream::Tls(stream) => stream.read(&mut bytes),
        };
        match read {
            Ok(count) => {
                self.buffer.extend_from_slice(&bytes[..count]);
                self.closed = count == 0;
                Ok(count > 0)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                bail!("nothing came for {LIMIT:?} after {:?}", text(&self.buffer))
            }
            Err(error) => Err(error).with_context(|| format!("after {:?}", text(&self.buffer))),
        }
    }
}

impl Response {
    /// The first value of a field; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name);
        values.next().map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        text(&self.body)
    }
}

/// The line of a field; one without a colon is a name.
fn field(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(colon.unwrap_or(line.len()));
    let value = value.strip_prefix(b":").unwrap_or_default();
    (name.to_vec(), value.trim_ascii().to_vec())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const LIMIT: Duration = Duration::from_secs(10);
