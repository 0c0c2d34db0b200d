//! The body of an HTTP/1 request: the reading side of its connection, lent for as long as the body is read.
//!
//! Reading an upload is reading the socket: there is no task and no channel in between.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;

use super::super::upload;
use super::reader::Reader;
use crate::protocol::http1::{BodyDecoder, BodyPart, Rest};
use crate::spool::Share;
use crate::upstream::{BodyError, Streaming};

/// A request's body that is still to be read. Over or dropped: the reading side goes home.
pub(super) struct Incoming(Option<Box<Lent>>);

/// What is lent.
struct Lent {
    side: ReadSide,
    /// The client waits for a `100 Continue`.
    awaited: bool,
    broken: bool,
    home: Arc<Home>,
    /// Of `spool.memory`: what the reading side holds besides the pieces that were given out.
    held: Share,
}

/// The reading side of a connection, and how far the body in it was read.
#[derive(Debug)]
pub(super) struct ReadSide {
    pub(super) reader: Reader,
    pub(super) body: BodyDecoder,
}

/// Where a connection finds its reading side again.
#[derive(Debug, Default)]
pub(super) struct Home(Mutex<HomeState>);

#[derive(Debug, Default)]
struct HomeState {
    returned: Option<(ReadSide, Rest)>,
    /// The client is to be told that it may send the body.
    invited: bool,
    /// Of the connection, which may not be the task that reads the body.
    waker: Option<Waker>,
}

impl Incoming {
    /// A request without a body.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The body at the front of what the reading side has; `awaited`: the client sends it when it is asked to. `held`
    /// counts the memory that it is read into.
    pub(super) fn lend(side: ReadSide, awaited: bool, home: Arc<Home>, held: Share) -> Self {
        Self(Some(Box::new(Lent {
            side,
            awaited,
            broken: false,
            home,
            held,
        })))
    }
}

impl upload::Incoming for Incoming {
    fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|lent| lent.side.body.is_done())
    }
}

impl Streaming for Incoming {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let Some(lent) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let chunk = lent.poll_chunk(cx);
        // The exchange may keep the body for as long as its answer takes.
        if lent.side.body.is_done() {
            self.give_back();
        }
        chunk
    }
}

impl Lent {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let ReadSide { reader, body } = &mut self.side;
        loop {
            match body.decode(&mut reader.bytes) {
                Ok(Some(BodyPart::Data(data))) => return Poll::Ready(Some(Ok(data))),
                Ok(Some(BodyPart::End(_))) => return Poll::Ready(None),
                Ok(None) => {}
                Err(error) => {
                    self.broken = true;
                    return Poll::Ready(Some(Err(BodyError::Malformed(error))));
                }
            }
            // A client that sends without being asked is not told to.
            if std::mem::take(&mut self.awaited) && reader.bytes.is_empty() {
                self.home.tell(|state| state.invited = true);
            }
            let read = reader.poll_upload(cx, self.held.is_spent());
            self.held.set(reader.held() as u64);
            if !matches!(ready!(read), Ok(1..)) {
                self.broken = true;
                return Poll::Ready(Some(Err(BodyError::Incomplete)));
            }
        }
    }
}

impl Incoming {
    fn give_back(&mut self) {
        let Some(lent) = self.0.take() else { return };
        let Lent {
            mut side,
            broken,
            home,
            ..
        } = *lent;
        side.reader.shrink();
        let rest = match broken {
            true => Rest::Broken,
            false if side.body.is_done() => Rest::Taken,
            false => Rest::Unread(side.body.left()),
        };
        home.tell(|state| state.returned = Some((side, rest)));
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Home {
    /// The reading side, if it was lent and is back.
    pub(super) fn take(&self) -> Option<(ReadSide, Rest)> {
        self.lock().returned.take()
    }

    /// Whether the client is to be told, once, that it may send the body.
    pub(super) fn take_invitation(&self) -> bool {
        std::mem::take(&mut self.lock().invited)
    }

    /// Wakes the connection when there is an invitation, or the reading side is back.
    pub(super) fn watch(&self, cx: &Context<'_>) {
        let waker = &mut self.lock().waker;
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    fn tell(&self, change: impl FnOnce(&mut HomeState)) {
        let mut state = self.lock();
        change(&mut state);
        if let Some(waker) = state.waker.take() {
            drop(state);
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HomeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use bytes::BytesMut;
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    use super::*;
    use crate::protocol::http1::{ChunkLimits, Framing};
    use crate::spool::{SpoolConfig, Spools};
    use crate::transport::Stream;

    #[tokio::test]
    async fn a_slow_upload_is_charged_for_the_buffer_that_it_keeps() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (half, _write) = Stream::from(ours).into_halves().unwrap();
        let side = ReadSide {
            reader: Reader::new(half, BytesMut::new()),
            body: BodyDecoder::new(Framing::Length(1_000_000), ChunkLimits::default()),
        };
        let (spools, home) = (Spools::new(SpoolConfig::default()), Arc::<Home>::default());
        let mut body = Incoming::lend(side, false, home.clone(), spools.share());
        theirs.write_all(&[b'x'; 100]).await.unwrap();
        let chunk = poll_fn(|cx| body.poll_chunk(cx)).await.unwrap().unwrap();
        assert_eq!(chunk.len(), 100);
        let mut next = pin!(poll_fn(|cx| body.poll_chunk(cx)));
        assert!(poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_pending())).await);
        let kept = spools.bytes_in_memory();
        assert!((60_000..=65_536).contains(&kept), "{kept}");
        drop(body);
        assert_eq!(spools.bytes_in_memory(), 0);
        let (side, _) = home.take().unwrap();
        assert_eq!(side.reader.held(), 0);
    }
}
