//! An HTTP client that repeats nothing that the gateway may have begun: what it loses stays lost.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::answer::{Answer, answer, has_head};
use super::http2::Http2;
use super::link::{Link, Protocol, Target, is_quiet};
use super::request::Request;
use super::sample::Outcome;

/// Connections to one gateway; those of requests that keep theirs are used again, the last one first.
#[derive(Debug)]
pub(crate) struct Client {
    target: Target,
    idle: RefCell<Vec<Link>>,
    http2: Http2,
}

impl Client {
    /// A client without connections yet.
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            idle: RefCell::default(),
            http2: Http2::default(),
        }
    }

    /// Sends one request and waits for its end.
    pub(crate) async fn send(&self, request: &Request) -> Outcome {
        let exchange = timeout(PATIENCE, self.exchange(request)).await;
        exchange.unwrap_or_else(|_| Outcome::Lost(format!("no end after {PATIENCE:?}")))
    }

    async fn exchange(&self, request: &Request) -> Outcome {
        if request.multiplexed && self.target.has_http2() {
            return self.http2.exchange(&self.target, request).await;
        }
        let (mut stream, whence) = match self.connection(request.kept).await {
            Ok(connection) => connection,
            Err(error) => return Outcome::Lost(format!("cannot connect: {error}")),
        };
        let wire = [request.head().into_bytes(), request.body()].concat();
        // A gateway that refuses early may close before it has read everything; its answer is there all the same.
        let sent = send(&mut stream, &wire).await;
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

    async fn connection(&self, kept: bool) -> io::Result<(Link, &'static str)> {
        while kept && let Some(stream) = self.take_idle() {
            if is_quiet(&stream) {
                return Ok((stream, "kept"));
            }
        }
        Ok((self.target.connect(Protocol::Http1).await?, "fresh"))
    }

    fn take_idle(&self) -> Option<Link> {
        self.idle.borrow_mut().pop()
    }
}

async fn send(link: &mut Link, bytes: &[u8]) -> io::Result<()> {
    link.write_all(bytes).await?;
    link.flush().await
}

/// A connection for which no kernel holds much. Segments like those of a real network matter most: with the large ones
/// of loopback, the gateway's kernel takes megabytes off its hands, and the gateway never sees that we are slow.
///
/// # Errors
///
/// When the gateway does not take it.
pub(crate) async fn connect_narrow(addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_tcp_mss(SEGMENT)?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_nonblocking(true)?;
    TcpSocket::from_std_stream(socket.into()).connect(addr).await
}

/// Reads the rest of an answer that begins with `received`.
///
/// # Errors
///
/// [`Outcome::Cut`], [`Outcome::Wrong`] or [`Outcome::Lost`] when there is none.
pub(crate) async fn finish(
    stream: &mut (impl AsyncRead + Unpin),
    mut received: Vec<u8>,
) -> Result<Answer, Outcome> {
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

/// For one answer: longer than every deadline in the gateway's configuration, so that it has the word first.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

const SEGMENT: u32 = 1400; // bytes
const BUFFER: usize = 4096; // bytes

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::chaos::load::block_on;

    /// A GET on a kept connection.
    fn request() -> Request {
        Request {
            id: "x".to_owned(),
            posts: false,
            kept: true,
            multiplexed: false,
            chunked: false,
            body: 0,
            answer: 10,
            work: 0,
        }
    }

    fn right() -> String {
        let body = String::from_utf8(request().expected()).unwrap();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    /// What the client makes of each of these answers. Every connection gets one and is closed then.
    fn outcomes(answers: Vec<String>) -> Vec<Outcome> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let count = answers.len();
        let server = thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head = [0; 1024];
                assert!(stream.read(&mut head).unwrap() > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        let outcomes = block_on(async {
            let (client, request) = (Client::new(Target::clear(addr)), request());
            let mut outcomes = Vec::new();
            for _ in 0..count {
                outcomes.push(client.send(&request).await);
                // An answer that is complete may arrive before the end of its connection.
                while client.idle.borrow().iter().any(is_quiet) {
                    tokio::task::yield_now().await;
                }
            }
            outcomes
        });
        server.join().unwrap();
        outcomes.unwrap()
    }

    #[test]
    fn ends_are_told_apart() {
        let right = right();
        let refused = "HTTP/1.1 503 X\r\nBridgehead-Error: queue_full\r\nContent-Length: 0\r\n\r\n";
        let other = "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n";
        let short = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
        let outcomes = outcomes(vec![
            right.clone(),
            right[..right.len() - 1].to_owned(),
            right[..20].to_owned(),
            String::new(),
            refused.to_owned(),
            other.to_owned(),
            short.to_owned(),
        ]);
        assert_eq!(outcomes[..2], [Outcome::Right, Outcome::Cut]);
        assert!(outcomes[2..4].iter().all(|end| matches!(end, Outcome::Lost(_))));
        assert_eq!(outcomes[4], Outcome::Refused("queue_full".to_owned()));
        assert!(outcomes[5..].iter().all(|end| matches!(end, Outcome::Wrong(_))));
    }

    #[test]
    fn a_kept_connection_that_was_closed_is_replaced_before_anything_is_sent() {
        assert_eq!(outcomes(vec![right(), right()]), [Outcome::Right, Outcome::Right]);
    }

    #[test]
    fn without_a_gateway_everything_is_lost() {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let outcome = block_on(async { Client::new(Target::clear(addr)).send(&request()).await });
        assert!(matches!(outcome.unwrap(), Outcome::Lost(_)));
    }
}
