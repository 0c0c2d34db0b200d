//! What a gateway says of the requests that it will not answer on a connection (RFC 9113, section 6.8).

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http2::{Frame, GOAWAY};

/// The last stream that the gateway takes of a connection.
#[derive(Clone, Debug)]
pub(crate) struct LastStream(Rc<Cell<u32>>);

/// A connection whose GOAWAY frames are read along. The library tells the same error of a stream above the last one, which
/// the gateway never looked at, and of a connection that was closed on a stream below it.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    link: S,
    /// The bytes of a frame that is not whole. `None` after bytes that are no frame, which the library refuses, too.
    unread: Option<Vec<u8>>,
    last: LastStream,
}

impl LastStream {
    /// Whether the gateway said that it has not begun this stream, nor will.
    pub(crate) fn excludes(&self, stream: u32) -> bool {
        stream > self.0.get()
    }
}

impl<S> Watched<S> {
    /// A connection on which nothing has been read.
    pub(crate) fn new(link: S) -> Self {
        Self {
            link,
            unread: Some(Vec::new()),
            last: LastStream(Rc::new(Cell::new(u32::MAX))),
        }
    }

    /// What it finds, also later.
    pub(crate) fn last(&self) -> LastStream {
        self.last.clone()
    }

    fn look(&mut self, bytes: &[u8]) {
        let Some(unread) = &mut self.unread else { return };
        unread.extend_from_slice(bytes);
        loop {
            match Frame::take(unread) {
                Ok(Some(frame)) => {
                    if frame.kind == GOAWAY
                        && let Some(last) = frame.payload.first_chunk()
                    {
                        self.last.0.set(u32::from_be_bytes(*last) & RESERVED_OFF);
                    }
                }
                Ok(None) => return,
                Err(_) => break,
            }
        }
        self.unread = None;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.link).poll_read(cx, buf))?;
        self.look(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.link).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_shutdown(cx)
    }
}

const RESERVED_OFF: u32 = 0x7fff_ffff; // the first bit of a stream identifier says nothing (section 4.1)

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::{DATA, put};

    #[test]
    fn the_newest_goaway_counts_wherever_it_is_split() {
        let mut wire = Vec::new();
        put(DATA, 0, 1, b"abc", &mut wire);
        put(GOAWAY, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0], &mut wire);
        put(GOAWAY, 0, 0, &[0, 0, 0, 7, 0, 0, 0, 0], &mut wire);
        for split in 0..=wire.len() {
            let mut watched = Watched::new(());
            let last = watched.last();
            watched.look(&wire[..split]);
            assert!(split == wire.len() || !last.excludes(9));
            watched.look(&wire[split..]);
            assert_eq!(
                [5, 7, 9].map(|stream| last.excludes(stream)),
                [false, false, true]
            );
        }
    }
}
