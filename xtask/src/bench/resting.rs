//! Clients that have done something and now keep their connections, doing nothing.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, bail, ensure};
use socket2::{Domain, Socket, Type};

use testbed::Tls;

use super::identity::{Identity, Sessions};
use super::load::{PATIENCE, connect};
use super::scenario::{Fields, HOST, PATH};
use super::site::{BODY, content};
use super::{answer, http2};
use crate::http2::{HTTP, HTTPS};

/// What they have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing.
    Silent,
    /// One request each.
    Asked,
    /// One upload of [`UPLOAD`] bytes each, one after the other.
    Uploaded,
    /// The same, but all of them have sent half before any sends the rest.
    UploadedTogether,
    /// One request each, over HTTP/2.
    AskedHttp2,
    /// A request each for a large answer, of which they read the beginning.
    Reading,
    /// A request each for a stream of events, as gzip, of which the first has come.
    Streaming,
}

impl State {
    /// As many clients in this state. With a certificate, those that ask for something small do so over TLS.
    ///
    /// # Errors
    ///
    /// When one of them is not answered as it should.
    pub(crate) fn clients(
        self,
        addr: SocketAddr,
        identity: Option<&Identity>,
        count: usize,
    ) -> Result<Vec<TcpStream>> {
        let each = |client: fn(SocketAddr) -> Result<TcpStream>| (0..count).map(|_| client(addr)).collect();
        let secured = |alpn: &str, client: fn(SocketAddr, &Tls) -> Result<TcpStream>| {
            let identity = identity.context("no certificate")?;
            let tls = identity.client(alpn, Sessions::New)?;
            (0..count).map(|_| client(addr, &tls)).collect()
        };
        match self {
            Self::Silent => each(connect),
            Self::Asked if identity.is_some() => secured("http/1.1", asked_over_tls),
            Self::AskedHttp2 if identity.is_some() => secured("h2", asked_http2_over_tls),
            Self::Asked => each(|addr| {
                let mut stream = connect(addr)?;
                stream.write_all(Fields::Host.request().as_bytes())?;
                small(stream)
            }),
            Self::Uploaded => each(|addr| {
                let mut stream = connect(addr)?;
                stream.write_all(&upload(UPLOAD))?;
                small(stream)
            }),
            Self::UploadedTogether => together(addr, count),
            Self::AskedHttp2 => each(|addr| {
                let mut stream = connect(addr)?;
                ensure!(http2::ask(&mut stream, HTTP)? == BODY.as_bytes(), "not the body");
                Ok(stream)
            }),
            Self::Reading => each(reading),
            Self::Streaming => each(streaming),
        }
    }
}

/// Checks that the server has closed none of them.
///
/// # Errors
///
/// When it has.
pub(crate) fn all_open(clients: &[TcpStream]) -> Result<()> {
    for client in clients {
        client.set_nonblocking(true)?;
        match client.peek(&mut [0]) {
            Ok(0) => bail!("the server has closed an idle connection"),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("an idle connection has failed"),
        }
    }
    Ok(())
}

/// A complete POST with so many bytes.
pub(crate) fn upload(size: usize) -> Vec<u8> {
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {size}\r\n\r\n");
    [head.into_bytes(), content(size)].concat()
}

/// Reads a small answer.
fn small(stream: TcpStream) -> Result<TcpStream> {
    let mut stream = BufReader::with_capacity(1024, stream);
    let length = answer::read(&mut stream)?.length;
    ensure!(length == BODY.len() as u64, "a body of {length} bytes");
    Ok(stream.into_inner())
}

/// The client keeps the socket, and of TLS nothing: what it has is not measured.
fn asked_over_tls(addr: SocketAddr, tls: &Tls) -> Result<TcpStream> {
    let mut stream = tls.connect(connect(addr)?)?;
    stream.write_all(Fields::Host.request().as_bytes())?;
    stream.flush()?;
    let length = answer::read(&mut BufReader::new(&mut stream))?.length;
    ensure!(length == SECURED as u64, "a body of {length} bytes");
    Ok(stream.into_socket())
}

fn asked_http2_over_tls(addr: SocketAddr, tls: &Tls) -> Result<TcpStream> {
    let mut stream = tls.connect(connect(addr)?)?;
    let body = http2::ask(&mut stream, HTTPS)?;
    ensure!(body == content(SECURED), "not the body");
    Ok(stream.into_socket())
}

fn together(addr: SocketAddr, count: usize) -> Result<Vec<TcpStream>> {
    let request = upload(UPLOAD);
    let (first, rest) = request.split_at(request.len() / 2);
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut stream = connect(addr)?;
        stream.write_all(first)?;
        clients.push(stream);
    }
    // One after the other: all at once they would be more than wait in a queue.
    let finished = clients.into_iter().map(|mut client| {
        client.write_all(rest)?;
        small(client)
    });
    finished.collect()
}

/// A client that reads the first bytes of an answer. Its own buffer in the kernel is small.
fn reading(addr: SocketAddr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_recv_buffer_size(4096)?;
    socket
        .connect_timeout(&addr.into(), PATIENCE)
        .context("cannot connect")?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(Fields::Host.request().as_bytes())?;
    let mut first = [0; answer::STATUS.len()];
    stream.read_exact(&mut first).context("no answer")?;
    ensure!(
        first == answer::STATUS.as_bytes(),
        "not answered with {}",
        answer::STATUS
    );
    Ok(stream)
}

/// A client that has a coded event.
fn streaming(addr: SocketAddr) -> Result<TcpStream> {
    let mut stream = connect(addr)?;
    stream.write_all(Fields::Gzip.request().as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    let is_there = |answer: &[u8]| {
        let body = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        body.is_some_and(|end| answer.len() > end + 4)
    };
    while !is_there(&answer) {
        let count = stream.read(&mut buffer).context("no event")?;
        ensure!(count > 0, "closed before an event");
        answer.extend_from_slice(&buffer[..count]);
    }
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    ensure!(
        text.contains("\r\ncontent-encoding: gzip\r\n"),
        "no gzip: {text:?}"
    );
    Ok(stream)
}

const UPLOAD: usize = 64 * 1024; // bytes
const SECURED: usize = 1024; // bytes of an answer over TLS
