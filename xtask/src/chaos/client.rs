//! An HTTP client that never repeats anything: what the gateway loses stays lost.

use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::answer::{Answer, answer, has_head};
use super::request::Request;
use super::sample::Outcome;

/// Connections to one gateway; those of requests that keep theirs are used again, the last one first.
#[derive(Debug)]
pub(crate) struct Client {
    addr: SocketAddr,
    idle: RefCell<Vec<TcpStream>>,
}

impl Client {
    /// A client without connections yet.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            idle: RefCell::default(),
        }
    }

    /// Sends one request and waits for its end.
    pub(crate) async fn send(&self, request: &Request) -> Outcome {
        let exchange = timeout(PATIENCE, self.exchange(request)).await;
        exchange.unwrap_or_else(|_| Outcome::Lost(format!("no end after {PATIENCE:?}")))
    }

    async fn exchange(&self, request: &Request) -> Outcome {
        let (mut stream, whence) = match self.connection(request.kept).await {
            Ok(connection) => connection,
            Err(error) => return Outcome::Lost(format!("cannot connect: {error}")),
        };
        let wire = [request.head().into_bytes(), request.body()].concat();
        // A gateway that refuses early may close before it has read everything; its answer is there all the same.
        let sent = stream.write_all(&wire).await;
        match finish(&mut stream, Vec::new()).await {
            Ok(answer) => {
                if request.kept && sent.is_ok() && !answer.closes {
                    self.idle.borrow_mut().push(stream);
                }
                Outcome::of(request, answer)
            }
            Err(Outcome::Lost(why)) => Outcome::Lost(format!("{whence} connection: {why}")),
            Err(outcome) => outcome,
        }
    }

    async fn connection(&self, kept: bool) -> io::Result<(TcpStream, &'static str)> {
        while kept && let Some(stream) = self.take_idle() {
            if is_quiet(&stream) {
                return Ok((stream, "kept"));
            }
        }
        Ok((connect(self.addr, None).await?, "fresh"))
    }

    fn take_idle(&self) -> Option<TcpStream> {
        self.idle.borrow_mut().pop()
    }
}

/// A connection whose buffer for what arrives is as small as asked for.
///
/// # Errors
///
/// When the gateway does not take it.
pub(crate) async fn connect(addr: SocketAddr, buffer: Option<u32>) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(size) = buffer {
        socket.set_recv_buffer_size(size)?;
    }
    let stream = socket.connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads the rest of an answer that begins with `received`.
///
/// # Errors
///
/// [`Outcome::Cut`], [`Outcome::Wrong`] or [`Outcome::Lost`] when there is none.
pub(crate) async fn finish(stream: &mut TcpStream, mut received: Vec<u8>) -> Result<Answer, Outcome> {
    loop {
        let read = stream.read_buf(&mut received).await;
        let ended = !matches!(read, Ok(1..));
        match answer(&received, ended) {
            Ok(Some(answer)) => return Ok(answer),
            Err(error) => return Err(Outcome::Wrong(format!("{error:#}"))),
            Ok(None) if !ended => {}
            Ok(None) if has_head(&received) => return Err(Outcome::Cut),
            Ok(None) => {
                let how = read.map_or_else(|error| error.to_string(), |_| "closed".to_owned());
                return Err(Outcome::Lost(format!("{how} after {} bytes", received.len())));
            }
        }
    }
}

/// Whether the gateway has neither closed an idle connection nor sent anything on it. The kernel is asked, not the
/// runtime, whose knowledge may be some requests old.
fn is_quiet(stream: &TcpStream) -> bool {
    let peeked = SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// For one answer: longer than every deadline in the gateway's configuration, so that it has the word first.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);
