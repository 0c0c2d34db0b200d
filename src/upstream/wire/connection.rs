//! A connection to a backend, with its buffers.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWrite;
use tokio_util::io::poll_read_buf;

use super::announcement::Announcement;
use crate::protocol::WriteQueue;
use crate::transport::{Deadline, Stream};

/// Bytes asked for in one read: two FastCGI buffers of PHP (8 KiB each).
const READ_SIZE: usize = 16 * 1024;

/// Bytes asked for once a read has filled all that it was given: a large answer takes a quarter of the calls.
const LARGE_READ: usize = 64 * 1024;

/// Slices given to one vectored write.
const WRITE_SLICES: usize = 16;

/// A connection that carries one exchange after the other. Its buffers outlive the exchanges.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    /// What was said in front of it.
    announcement: Announcement,
    /// Received, not decoded.
    pub received: BytesMut,
    /// The last read filled all that it was given.
    flowing: bool,
    /// To be sent.
    pub queue: WriteQueue,
    /// The timer of the current exchange.
    pub deadline: Deadline,
}

impl Connection {
    /// A fresh connection. Boxed: each exchange moves it from the pool through a pump and a lease and back.
    pub fn boxed(stream: Stream) -> Box<Self> {
        Self::announced(stream, Announcement::default())
    }

    /// The same, in front of which something was said.
    pub fn announced(stream: Stream, announcement: Announcement) -> Box<Self> {
        Box::new(Self {
            stream,
            announcement,
            received: BytesMut::new(),
            flowing: false,
            queue: WriteQueue::new(),
            deadline: Deadline::never(),
        })
    }

    /// The stream, and what was received and not decoded. What is still to be sent is dropped.
    pub fn into_parts(self) -> (Stream, BytesMut) {
        (self.stream, self.received)
    }

    /// Writes some of the queue; gives the bytes written. Not to be called with an empty queue.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let written = match self.queue.single() {
            Some(only) => stream.poll_write(cx, only),
            None => {
                let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
                let filled = self.queue.chunks_vectored(&mut slices);
                stream.poll_write_vectored(cx, &slices[..filled])
            }
        };
        let written = ready!(written)?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.queue.advance(written);
        Poll::Ready(Ok(written))
    }

    /// Has the socket take what TLS has made of the bytes that were written; nothing without TLS. What it does not take now, it
    /// is given with the next call.
    pub fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Reads more into `received`; gives the bytes read, 0 at the end of the stream.
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.received.reserve(match self.flowing {
            true => LARGE_READ,
            false => READ_SIZE,
        });
        let count = ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.received))?;
        self.flowing = count >= READ_SIZE;
        Poll::Ready(Ok(count))
    }

    /// Whether the endpoint was told the same as it would be told now.
    pub fn is_announced_as(&self, announcement: &Announcement) -> bool {
        self.announcement == *announcement
    }

    /// Whether the peer has neither closed nor said anything since the last exchange.
    ///
    /// Costs no system call while nothing happened: tokio knows. What a peer says now belongs to no exchange and may be
    /// lost: the connection is not used.
    pub fn is_quiet(&mut self) -> bool {
        self.received.is_empty() && self.stream.is_quiet()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::pin::pin;

    use tokio::net::UnixStream;
    use tokio::task::consume_budget;

    use super::*;

    #[tokio::test]
    async fn a_busy_task_sees_that_the_peer_is_gone() {
        let (ours, peer) = UnixStream::pair().unwrap();
        drop(peer);
        ours.readable().await.unwrap();
        let mut connection = Connection::boxed(Stream::from(ours));
        let quiet = poll_fn(|cx| {
            while pin!(consume_budget()).poll(cx).is_ready() {}
            Poll::Ready(connection.is_quiet())
        });
        assert!(!quiet.await);
    }
}
