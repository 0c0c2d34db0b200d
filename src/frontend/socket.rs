//! A client's socket as hyper sees it.
//!
//! Five things hyper leaves to us, or does at a higher price. Bytes that were read to tell HTTP/1 from HTTP/2 are
//! given back. A client that takes no bytes is given up. A client that sends no request, or only a drip of one, is
//! given up: hyper would set a timer for every request, here one timer is looked at when it fires. A closing
//! connection lingers until the client has read its answer. And the end of the client's stream is kept from hyper
//! while an answer is under way: a client may close its sending side and still want the answer (RFC 9112, section
//! 9.6); TCP cannot tell that from a client that is gone, so patience is limited.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::transport::{Deadline, Stream};

/// How the end of the client's stream and of ours are dealt with. Shared by the socket and the exchange.
#[derive(Clone, Debug)]
pub struct Patience(Arc<Manners>);

#[derive(Debug)]
struct Manners {
    /// The end of the client's stream is overlooked for a while.
    due: AtomicBool,
    /// Our stream ends with a reset.
    reset: AtomicBool,
    /// The client takes no bytes at the moment, and some are waiting.
    blocked: AtomicBool,
    /// Bytes have come since the last exchange ended: an exchange is under way, or the head of one.
    begun: AtomicBool,
    /// When the connection was accepted.
    start: Instant,
    /// When the last exchange ended, in microseconds from the start; [`BUSY`] while one is under way.
    idle_since: AtomicU64,
}

/// No time: an exchange is under way.
const BUSY: u64 = u64::MAX;

impl Default for Patience {
    fn default() -> Self {
        Self(Arc::new(Manners {
            due: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            start: Instant::now(),
            idle_since: AtomicU64::new(0),
        }))
    }
}

impl Patience {
    /// A request has come, its answer is not complete.
    pub fn begin(&self) {
        self.0.idle_since.store(BUSY, Ordering::Relaxed);
        self.0.due.store(true, Ordering::Relaxed);
    }

    /// The answer is complete.
    pub fn end(&self) {
        let now = u64::try_from(self.0.start.elapsed().as_micros()).unwrap_or(BUSY - 1);
        self.0.idle_since.store(now, Ordering::Relaxed);
        self.0.begun.store(false, Ordering::Relaxed);
        self.lose();
    }

    /// From now on the end of the client's stream is the end, though the exchange goes on.
    pub fn lose(&self) {
        self.0.due.store(false, Ordering::Relaxed);
    }

    /// How long no exchange has been under way; `None` while one is.
    fn idle(&self) -> Option<Duration> {
        let since = self.0.idle_since.load(Ordering::Relaxed);
        (since != BUSY).then(|| {
            self.0
                .start
                .elapsed()
                .saturating_sub(Duration::from_micros(since))
        })
    }

    /// The answer broke off, and nothing but a reset would tell the client.
    pub fn reset(&self) {
        self.0.reset.store(true, Ordering::Relaxed);
    }

    /// Bytes have come.
    pub(super) fn arrived(&self) {
        self.0.begun.store(true, Ordering::Relaxed);
    }

    /// Whether the client takes no bytes at the moment, and some are waiting.
    pub fn is_blocked(&self) -> bool {
        self.0.blocked.load(Ordering::Relaxed)
    }

    /// Whether the client has sent anything since the last exchange ended.
    pub(super) fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed)
    }

    fn is_due(&self) -> bool {
        self.0.due.load(Ordering::Relaxed)
    }
}

/// Settings of a client socket.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Longest time to the end of a request's head, the idle time before it included. `None`: HTTP/2, which has
    /// its own.
    pub head: Option<Duration>,
    /// Longest time in which the client takes no bytes.
    pub send: Duration,
    /// Longest time an answer is worked on after the client's stream ended, or after it took bytes since.
    pub half_close: Duration,
}

/// A client's socket.
#[derive(Debug)]
pub struct ClientSocket {
    stream: Stream,
    /// Read before hyper was.
    prefix: Bytes,
    patience: Patience,
    times: Times,
    ended: bool,
    awaited: Deadline,
    half_closed: Deadline,
    blocked: Deadline,
    lingering: Deadline,
    /// Bytes read and dropped while lingering.
    dropped: usize,
}

/// Longest time that is lingered.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// Most bytes that are read and dropped while lingering: a rejected upload of ordinary size.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

impl ClientSocket {
    /// A socket of which `prefix` was read already.
    pub fn new(stream: Stream, prefix: Bytes, patience: Patience, times: Times) -> Self {
        Self {
            stream,
            prefix,
            patience,
            times,
            ended: false,
            awaited: Deadline::never(),
            half_closed: Deadline::never(),
            blocked: Deadline::never(),
            lingering: Deadline::never(),
            dropped: 0,
        }
    }

    /// Nothing is there to read: an error when a request has been awaited for too long. Bytes of its head do not
    /// move the deadline, only the exchange before it does; and it is moved when it comes, not when that ends.
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(head) = self.times.head else {
            return Poll::Pending;
        };
        if !self.awaited.is_set() {
            self.awaited.set(head);
        }
        loop {
            ready!(self.awaited.poll(cx));
            let idle = self.patience.idle().unwrap_or_default();
            if idle >= head {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.awaited.set(head - idle);
        }
    }

    /// The end of the stream, when it is time for hyper to know.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.patience.is_due() {
            return Poll::Ready(Ok(()));
        }
        if !self.half_closed.is_set() {
            self.half_closed.set(self.times.half_close);
        }
        self.half_closed.poll(cx).map(Ok)
    }

    /// Reads and drops what the client still sends, until it closes, too. A socket that is closed with
    /// unread bytes is reset, and the reset destroys the answer on its way (RFC 9112, section 9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.lingering.is_set() {
            self.lingering.set(LINGER_TIME);
        }
        let mut bytes = [0; 4096];
        while !self.ended && self.dropped < LINGER_BYTES {
            let mut buf = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => self.dropped += buf.filled().len(),
                Poll::Ready(_) => self.ended = true,
                Poll::Pending => return self.lingering.poll(cx),
            }
        }
        Poll::Ready(())
    }

    fn written(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if self.blocked.is_set() == result.is_ready() {
            let blocked = result.is_pending();
            self.patience.0.blocked.store(blocked, Ordering::Relaxed);
            match blocked {
                true => self.blocked.set(self.times.send),
                false => self.blocked.clear(),
            }
        }
        if result.is_ready() {
            // Whoever takes bytes is not gone: a gone client's system refuses them.
            if self.half_closed.is_set() {
                self.half_closed.set(self.times.half_close);
            }
            return result;
        }
        self.blocked
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for ClientSocket {
    fn drop(&mut self) {
        if self.patience.0.reset.load(Ordering::Relaxed) {
            self.stream.reset_on_close();
        }
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.prefix.is_empty() {
            let count = this.prefix.len().min(buf.remaining());
            buf.put_slice(&this.prefix[..count]);
            this.prefix.advance(count);
            if this.prefix.is_empty() {
                // Connections are idle for most of their time: an empty view would hold the memory.
                this.prefix = Bytes::new();
            }
            this.patience.arrived();
            return Poll::Ready(Ok(()));
        }
        if !this.ended {
            let before = buf.filled().len();
            match Pin::new(&mut this.stream).poll_read(cx, buf) {
                Poll::Ready(read) => read?,
                Poll::Pending => return this.poll_request(cx),
            }
            if buf.filled().len() > before || buf.remaining() == 0 {
                this.patience.arrived();
                return Poll::Ready(Ok(()));
            }
            this.ended = true;
        }
        this.poll_end(cx)
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.written(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.lingering.is_set() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        this.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;

    fn pair(patience: &Patience) -> (ClientSocket, std::os::unix::net::UnixStream) {
        let (ours, client) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let stream = Stream::Unix(UnixStream::from_std(ours).unwrap());
        let times = Times {
            head: Some(Duration::from_secs(60)),
            send: Duration::from_secs(5),
            half_close: Duration::from_secs(1),
        };
        (
            ClientSocket::new(stream, Bytes::from_static(b"GE"), patience.clone(), times),
            client,
        )
    }

    #[tokio::test]
    async fn what_was_read_ahead_comes_first() {
        let (mut socket, mut client) = pair(&Patience::default());
        client.write_all(b"T /").unwrap();
        drop(client);
        let mut all = String::new();
        socket.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "GET /");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_is_overlooked_while_an_answer_is_under_way() {
        let patience = Patience::default();
        let (mut socket, client) = pair(&patience);
        patience.begin();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        socket.read_u16().await.unwrap();
        let start = tokio::time::Instant::now();
        assert_eq!(socket.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut socket, _client) = pair(&Patience::default());
        let error = socket.write_all(&vec![0; 16 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_of_a_head_does_not_move_its_deadline() {
        let (mut socket, mut client) = pair(&Patience::default());
        socket.read_u16().await.unwrap();
        let start = Instant::now();
        let drip = tokio::time::timeout(Duration::from_secs(50), socket.read_u8());
        assert!(drip.await.is_err());
        client.write_all(b"T").unwrap();
        socket.read_u8().await.unwrap();
        let error = socket.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_starts_the_wait_for_the_next_request_anew() {
        let patience = Patience::default();
        let (mut socket, _client) = pair(&patience);
        socket.read_u16().await.unwrap();
        patience.begin();
        let during = tokio::time::timeout(Duration::from_secs(500), socket.read_u8());
        assert!(during.await.is_err());
        patience.end();
        let start = Instant::now();
        let error = socket.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 60);
    }
}
