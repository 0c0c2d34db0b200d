//! A client's stream whose frames wait for the end of a turn, so that one system call, and one record of TLS, carries
//! those of many answers. h2 flushes behind each frame of a body; of what else will follow in the same turn it knows
//! nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that wait: the largest record of TLS (RFC 8446, section 5.1).
const CORKED: usize = 16 * 1024;

/// Slices of one write: what waits, and what h2 writes, which is a buffer and a payload.
const SLICES: usize = 8;

/// A stream, of which h2 has one handle, and the task of the connection another: to let out what waits.
#[derive(Debug)]
pub(super) struct Corked<S>(Arc<Mutex<Inner<S>>>);

#[derive(Debug)]
struct Inner<S> {
    stream: S,
    /// Written by h2, and not to the stream. Holds memory only while it holds bytes.
    held: BytesMut,
}

impl<S> Corked<S> {
    /// A stream to which nothing was written.
    pub(super) fn new(stream: S) -> Self {
        let held = BytesMut::new();
        Self(Arc::new(Mutex::new(Inner { stream, held })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Clone for Corked<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: AsyncWrite + Unpin> Corked<S> {
    /// Lets out what waits: at the end of each turn.
    pub(super) fn poll_uncork(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_uncork(cx)
    }
}

impl<S: AsyncWrite + Unpin> Inner<S> {
    fn poll_uncork(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.held))?;
            self.advance(count)?;
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Keeps the slices, if there is room.
    fn hold(&mut self, slices: &[IoSlice<'_>]) -> Option<usize> {
        let count = slices.iter().map(|slice| slice.len()).sum();
        if count > CORKED - self.held.len() {
            return None;
        }
        if self.held.capacity() == 0 {
            self.held.reserve(CORKED);
        }
        for slice in slices {
            self.held.extend_from_slice(slice);
        }
        Some(count)
    }

    /// Writes what waits and some of the slices; gives the bytes of the slices, which may be none.
    fn poll_through(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let waiting = self.held.len();
        let mut all = [IoSlice::new(&[]); SLICES];
        all[0] = IoSlice::new(&self.held);
        let used = 1 + slices.len().min(SLICES - 1);
        all[1..used].copy_from_slice(&slices[..used - 1]);
        let from = usize::from(waiting == 0);
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, &all[from..used]))?;
        self.advance(count.min(waiting))?;
        Poll::Ready(Ok(count.saturating_sub(waiting)))
    }

    /// So many bytes of what waited were written.
    fn advance(&mut self, count: usize) -> io::Result<()> {
        if count == 0 && !self.held.is_empty() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.held.advance(count);
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Corked<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Corked<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.lock();
        loop {
            if let Some(count) = inner.hold(slices) {
                return Poll::Ready(Ok(count));
            }
            let count = ready!(inner.poll_through(cx, slices))?;
            if count > 0 {
                return Poll::Ready(Ok(count));
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.lock().stream.is_write_vectored()
    }

    /// The turn is not over.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        ready!(inner.poll_uncork(cx))?;
        Pin::new(&mut inner.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes up to `most` bytes with each write, as many writes as `turns`, and then none.
    #[derive(Debug)]
    struct Peer {
        writes: Vec<Vec<u8>>,
        most: usize,
        turns: usize,
    }

    impl Peer {
        fn taking(most: usize, turns: usize) -> Corked<Self> {
            let writes = Vec::new();
            Corked::new(Self { writes, most, turns })
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(buf)])
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            if this.turns == 0 {
                return Poll::Pending;
            }
            this.turns -= 1;
            let all = slices.iter().flat_map(|slice| slice.iter().copied());
            let write: Vec<u8> = all.take(this.most).collect();
            let count = write.len();
            this.writes.push(write);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn write(corked: &mut Corked<Peer>, slices: &[&[u8]]) -> Poll<io::Result<usize>> {
        let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
        Pin::new(corked).poll_write_vectored(&mut Context::from_waker(Waker::noop()), &slices)
    }

    fn uncork(corked: &Corked<Peer>) -> Poll<io::Result<()>> {
        corked.poll_uncork(&mut Context::from_waker(Waker::noop()))
    }

    fn is_taken(written: &Poll<io::Result<usize>>, count: usize) -> bool {
        matches!(written, Poll::Ready(Ok(taken)) if *taken == count)
    }

    #[test]
    fn the_frames_of_a_turn_go_out_with_one_write() {
        let mut corked = Peer::taking(usize::MAX, usize::MAX);
        for _ in 0..10 {
            let written = write(&mut corked, &[b"head", b"body"]);
            assert!(is_taken(&written, 8));
            assert!(
                Pin::new(&mut corked)
                    .poll_flush(&mut Context::from_waker(Waker::noop()))
                    .is_ready()
            );
        }
        assert!(corked.lock().writes().is_empty(), "the turn is not over");
        assert!(uncork(&corked).is_ready());
        assert_eq!(corked.lock().writes(), [b"headbody".repeat(10)]);
        assert_eq!(corked.lock().held.capacity(), 0, "nothing waits");
    }

    #[test]
    fn what_there_is_no_room_for_goes_through_behind_what_waits() {
        let large = vec![b'x'; CORKED];
        let mut corked = Peer::taking(usize::MAX, usize::MAX);
        assert!(is_taken(&write(&mut corked, &[b"head"]), 4));
        assert!(is_taken(&write(&mut corked, &[b"frame", &large]), 5 + CORKED));
        assert_eq!(corked.lock().writes(), [[b"headframe", &large[..]].concat()]);
        assert!(is_taken(&write(&mut corked, &[&large, b"next"]), CORKED + 4));
        assert_eq!(corked.lock().writes().len(), 2);
    }

    #[test]
    fn order_survives_every_size_of_write() {
        let bytes: Vec<u8> = (0..3 * CORKED).map(|at| (at / 7) as u8).collect();
        for (most, piece) in [
            (1000, 700),
            (CORKED, 5000),
            (CORKED - 1, CORKED + 1),
            (20_000, 3 * CORKED),
        ] {
            let mut corked = Peer::taking(most, usize::MAX);
            let mut at = 0;
            while at < bytes.len() {
                let rest = &bytes[at..bytes.len().min(at + piece)];
                let (first, second) = rest.split_at(rest.len() / 3);
                let Poll::Ready(Ok(count)) = write(&mut corked, &[first, second]) else {
                    panic!("the peer takes everything");
                };
                assert!(count > 0, "{most} {piece}");
                at += count;
            }
            assert!(uncork(&corked).is_ready());
            assert_eq!(corked.lock().writes().concat(), bytes, "{most} {piece}");
        }
    }

    #[test]
    fn a_peer_that_takes_nothing_is_waited_for() {
        let mut corked = Peer::taking(1000, 1);
        let piece = [b'x'; 1000];
        let held = (0..)
            .take_while(|_| is_taken(&write(&mut corked, &[&piece]), 1000))
            .count();
        assert_eq!(held, CORKED / 1000 + 1, "the peer took one");
        assert!(uncork(&corked).is_pending());
        corked.lock().stream.turns = usize::MAX;
        assert!(uncork(&corked).is_ready());
        assert_eq!(corked.lock().writes().concat().len(), held * 1000);
    }

    #[test]
    fn closing_lets_out_what_waits() {
        let mut corked = Peer::taking(3, usize::MAX);
        assert!(is_taken(&write(&mut corked, &[b"farewell"]), 8));
        let closed = Pin::new(&mut corked).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        assert!(closed.is_ready());
        assert_eq!(corked.lock().writes().concat(), b"farewell");
    }

    impl Inner<Peer> {
        fn writes(&self) -> &[Vec<u8>] {
            &self.stream.writes
        }
    }
}
