//! A client's stream, with a look at each frame that passes. What breaks a rule does not get through: h2 is told that
//! the stream failed, as soon as the client can be sent a last frame.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::meter::FrameMeter;
use crate::frontend::violation::Violation;

/// The meter of a connection, which looks at it from two sides.
pub(super) type SharedMeter = Arc<Mutex<FrameMeter>>;

/// Hears of a violation before h2 hears of an end.
pub(super) type Told = Box<dyn Fn(Violation) + Send + Sync>;

/// The stream of a client, behind the preface.
pub(super) struct Metered<S> {
    inner: S,
    meter: SharedMeter,
    told: Told,
    /// Where the preface ends, which is no frame.
    preface: usize,
    /// Read, and not for this turn.
    held: Bytes,
    /// Waits for the end of the frame that is being written.
    waiting: Option<Waker>,
}

/// Bytes in front of the first frame (RFC 9113, section 3.4).
const PREFACE: usize = 24;

impl<S> Metered<S> {
    /// A stream of which nothing was read yet.
    pub(super) fn new(inner: S, meter: SharedMeter, told: Told) -> Self {
        Self {
            inner,
            meter,
            told,
            preface: PREFACE,
            held: Bytes::new(),
            waiting: None,
        }
    }

    /// How many of the bytes may be passed on now.
    fn admit(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let preface = self.preface.min(bytes.len());
        self.preface -= preface;
        let admitted = lock(&self.meter).receive(&bytes[preface..], Instant::now);
        admitted.map(|count| preface + count).map_err(io::Error::other)
    }

    /// What there is to pass on, out of what was held back.
    fn poll_held(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        let count = self.held.len().min(buf.remaining());
        let held = self.held.slice(..count);
        let admitted = self.admit(&held)?;
        buf.put_slice(&held[..admitted]);
        self.held.advance(admitted);
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> Metered<S> {
    /// The same, out of what the client sends now.
    fn poll_fresh(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        let admitted = self.admit(fresh);
        let count = *admitted.as_ref().unwrap_or(&0);
        if count < fresh.len() {
            self.held = Bytes::copy_from_slice(&fresh[count..]);
            buf.set_filled(before + count);
        }
        Poll::Ready(admitted.map(drop))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let meter = lock(&this.meter);
        if meter.violation().is_some() {
            drop(meter);
            return this.poll_end(cx);
        }
        if meter.is_turn_over() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        drop(meter);
        let read = match this.held.is_empty() {
            true => this.poll_fresh(cx, buf),
            false => Poll::Ready(this.poll_held(buf)),
        };
        match read {
            Poll::Ready(Err(_)) if lock(&this.meter).violation().is_some() => this.poll_end(cx),
            other => other,
        }
    }
}

impl<S> Metered<S> {
    /// Ready when no frame to the client is half written. Until then, its writer is to go on.
    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let meter = lock(&self.meter);
        match (meter.unfinished(), meter.violation()) {
            (0, Some(violation)) => {
                (self.told)(violation);
                Poll::Ready(Err(io::Error::other(violation)))
            }
            _ => {
                self.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Bytes that may be written: of a connection that ends, the rest of a frame.
    fn room(&self) -> io::Result<usize> {
        let meter = lock(&self.meter);
        match meter.violation() {
            None => Ok(usize::MAX),
            Some(violation) => match meter.unfinished() {
                0 => {
                    (self.told)(violation);
                    Err(io::Error::other(violation))
                }
                rest => Ok(rest),
            },
        }
    }

    /// So many bytes of the slices were written.
    fn written(&mut self, slices: &[IoSlice<'_>], count: usize) {
        let mut meter = lock(&self.meter);
        let mut left = count;
        for slice in slices {
            let part = left.min(slice.len());
            meter.send(&slice[..part], Instant::now);
            left -= part;
        }
        if meter.unfinished() == 0
            && let Some(waiting) = self.waiting.take()
        {
            waiting.wake();
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let room = this.room()?;
        let first = slices.iter().find(|slice| !slice.is_empty());
        let count = match first.filter(|_| room < usize::MAX) {
            Some(first) => {
                let rest = &first[..first.len().min(room)];
                ready!(Pin::new(&mut this.inner).poll_write(cx, rest))?
            }
            None => ready!(Pin::new(&mut this.inner).poll_write_vectored(cx, slices))?,
        };
        this.written(slices, count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// The meter, for a moment.
pub(super) fn lock(meter: &SharedMeter) -> MutexGuard<'_, FrameMeter> {
    meter.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::super::frames::{self, samples::frame};
    use super::super::window::ReceiveWindow;
    use super::*;
    use crate::spool::{SpoolConfig, Spools};

    const PRI: &[u8; PREFACE] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    fn metered(room: usize) -> (DuplexStream, Metered<DuplexStream>) {
        let (client, ours) = duplex(room);
        let share = Spools::new(SpoolConfig::default()).share();
        let window = Arc::new(ReceiveWindow::new(share, 0));
        let meter = FrameMeter::new(64 * 1024, window, Instant::now());
        (
            client,
            Metered::new(ours, Arc::new(Mutex::new(meter)), Box::new(|_| {})),
        )
    }

    fn ping() -> Vec<u8> {
        frame(6, 0, 0, b"01234567")
    }

    #[tokio::test(start_paused = true)]
    async fn every_byte_gets_through_in_its_order_whatever_the_pieces() {
        let body: Vec<u8> = (0..100_000).map(|number: u32| (number % 251) as u8).collect();
        let mut wire = PRI.to_vec();
        for piece in body.chunks(700) {
            wire.extend(frame(0, 0, 1, piece));
            wire.extend(frame(1, 4, 3, b"head"));
        }
        for seed in 0..20 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut client, mut stream) = metered(random.usize(1..5000));
            let sent = wire.clone();
            tokio::spawn(async move { client.write_all(&sent).await });
            let mut got: Vec<u8> = Vec::new();
            let mut room = vec![0; random.usize(1..3000)];
            loop {
                lock(&stream.meter).pause();
                match stream.read(&mut room).await.unwrap() {
                    0 => break,
                    count => got.extend(&room[..count]),
                }
            }
            assert!(got == wire, "seed {seed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_up_passes_on_a_few_frames_and_wants_another() {
        let (mut client, mut stream) = metered(64 * 1024);
        client.write_all(PRI).await.unwrap();
        let head = frame(1, 5, 1, b"head");
        client.write_all(&head.repeat(150)).await.unwrap();
        let mut turns = Vec::new();
        let mut got = 0;
        let mut bytes = [0; 64 * 1024];
        while got < PREFACE + 150 * head.len() {
            let mut turn = 0;
            poll_fn(|cx| {
                loop {
                    let mut buf = ReadBuf::new(&mut bytes);
                    match Pin::new(&mut stream).poll_read(cx, &mut buf) {
                        Poll::Ready(read) => {
                            read.unwrap();
                            turn += buf.filled().len();
                        }
                        Poll::Pending => return Poll::Ready(()),
                    }
                }
            })
            .await;
            lock(&stream.meter).pause();
            got += turn;
            turns.push(turn);
        }
        let frames = 64 * head.len();
        assert_eq!(turns, [PREFACE + frames, frames, 22 * head.len()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_an_error_and_nothing_of_it_is_passed_on() {
        let (mut client, mut stream) = metered(64 * 1024);
        client
            .write_all(&[PRI, &ping().repeat(64)[..]].concat())
            .await
            .unwrap();
        let mut bytes = vec![0; PREFACE + 64 * 17];
        stream.read_exact(&mut bytes).await.unwrap();
        client.write_all(&ping()).await.unwrap();
        lock(&stream.meter).pause();
        let error = stream.read(&mut [0; 100]).await.unwrap_err();
        assert!(error.to_string().contains("PING"), "{error}");
        assert!(stream.write(&ping()).await.is_err(), "neither is anything else");
        let farewell = lock(&stream.meter).farewell();
        assert_eq!(farewell, Some(frames::goaway(0, 0xb, "ping_flood")));
    }

    // Else the client could not be told why.
    #[tokio::test(start_paused = true)]
    async fn a_frame_that_is_half_written_is_written_to_its_end_first() {
        let body = frame(0, 0, 1, &[7; 1000]);
        for written in 1..body.len() {
            let (mut client, mut stream) = metered(64 * 1024);
            let first = stream.write(&body[..written]).await.unwrap();
            assert_eq!(first, written);
            client
                .write_all(&[PRI, &ping().repeat(65)[..]].concat())
                .await
                .unwrap();
            let meter = stream.meter.clone();
            let (mut read, mut write) = tokio::io::split(stream);
            let reading = tokio::spawn(async move {
                let mut bytes = [0; 4096];
                while read.read(&mut bytes).await.is_ok() {}
                read
            });
            while lock(&meter).violation().is_none() {
                lock(&meter).pause();
                tokio::task::yield_now().await;
            }
            // What would follow is not written.
            let rest = [&body[written..], &body].concat();
            assert!(write.write_all(&rest).await.is_err(), "{written}");
            drop(reading.await.unwrap().unsplit(write));
            assert!(lock(&meter).farewell().is_some());
            let mut got = Vec::new();
            client.read_to_end(&mut got).await.unwrap();
            assert!(got == body, "{written}: {}", got.len());
        }
    }
}
