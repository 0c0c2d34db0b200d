//! The body of an answer in a content coding.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

use super::broken::Broken;
use crate::compression::Encoder;

/// Bytes that are coded at a time: what that takes, other connections of the thread wait.
pub(super) const SLICE: usize = 16 * 1024;

/// How long an application may pause until the coding's memory is given back. A coding begins anew after that, which
/// costs a few bytes.
const PAUSE: Duration = Duration::from_secs(1);

/// What gives out the bytes of a plain body.
pub trait Plain {
    /// The next bytes.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>>;

    /// The client is slower than the application, which is not to wait for it.
    fn detach(&mut self);

    /// Whether all of it was given out.
    fn is_over(&self) -> bool;
}

/// A body whose bytes are coded as they come. What the application has written is flushed as soon as it pauses.
pub struct Encoded<B> {
    body: B,
    encoder: Encoder,
    /// Left of a chunk of the body.
    rest: Bytes,
    /// Coded, and not given out yet.
    ready: Vec<u8>,
    /// Bytes went in since the last flush.
    dirty: bool,
    /// The coding holds memory.
    works: bool,
    /// How long the application has paused; the memory is given back when this is over.
    pause: Option<Pin<Box<Sleep>>>,
    /// What went wrong while the client was waited for.
    failed: Option<io::Error>,
    ended: bool,
}

impl<B: Plain> Encoded<B> {
    /// Nothing is coded yet.
    pub(super) fn new(body: B, encoder: Encoder) -> Self {
        Self {
            body,
            encoder,
            rest: Bytes::new(),
            ready: Vec::new(),
            dirty: false,
            works: false,
            pause: None,
            failed: None,
            ended: false,
        }
    }

    /// The next coded bytes.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            if !self.ready.is_empty() {
                return Poll::Ready(Some(Ok(std::mem::take(&mut self.ready).into())));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let step = match self.failed.take() {
                Some(error) => Poll::Ready(Err(Broken::Coding(error))),
                None => self.step(cx),
            };
            if let Err(broken) = ready!(step) {
                self.ended = true;
                return Poll::Ready(Some(Err(broken)));
            }
        }
    }

    /// Codes what the body has, or does what its pause asks for.
    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let coded = match self.next(cx) {
            Poll::Ready(Some(Ok(()))) => self.slice(),
            Poll::Ready(Some(Err(broken))) => return Poll::Ready(Err(broken)),
            Poll::Ready(None) => self.finish(),
            Poll::Pending if self.dirty => self.flush(),
            Poll::Pending if self.works && self.poll_pause(cx).is_ready() => self.rest(),
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(coded.map_err(Broken::Coding))
    }

    /// Sees to it that there are bytes to code.
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), Broken>>> {
        while self.rest.is_empty() {
            match self.body.poll_chunk(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.rest = chunk,
                Poll::Ready(Some(Err(broken))) => return Poll::Ready(Some(Err(broken))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Some(Ok(())))
    }

    /// Codes some of them. The end goes out with the last ones.
    fn slice(&mut self) -> io::Result<()> {
        let slice = self.rest.split_to(self.rest.len().min(SLICE));
        self.encoder.write(&slice, &mut self.ready)?;
        (self.dirty, self.works, self.pause) = (true, true, None);
        match self.rest.is_empty() && self.body.is_over() {
            true => self.finish(),
            false => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        (self.dirty, self.works, self.ended) = (false, false, true);
        self.encoder.finish(&mut self.ready)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.dirty = false;
        self.encoder.flush(&mut self.ready)
    }

    /// Ready when the application has paused for long, and at once while many others pause.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.encoder.is_crowded() {
            return Poll::Ready(());
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(PAUSE)));
        pause.as_mut().poll(cx)
    }

    fn rest(&mut self) -> io::Result<()> {
        (self.works, self.pause) = (false, None);
        self.encoder.rest(&mut self.ready)
    }

    /// The client is slower than the application: that is not to wait, and no memory of the coding either.
    pub(super) fn detach(&mut self) {
        self.body.detach();
        if self.works {
            self.failed = self.flush().and_then(|()| self.rest()).err();
        }
    }

    /// The body itself.
    pub(super) fn body(&mut self) -> &mut B {
        &mut self.body
    }

    /// Whether all of it was given out.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.ready.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;
    use std::task::Waker;

    use super::super::body::Body;
    use super::*;
    use crate::compression::{Coding, Contexts, Levels};

    fn encoded(body: Body) -> Encoded<Body> {
        let contexts = Arc::new(Contexts::new(Levels { gzip: 1, zstd: 1 }));
        Encoded::new(body, Encoder::new(Coding::Gzip, contexts))
    }

    /// Bytes went in, and there are more to come.
    fn begun(contexts: &Arc<Contexts>, coding: Coding) -> Encoded<Body> {
        let mut encoder = Encoder::new(coding, contexts.clone());
        encoder.write(b"x", &mut Vec::new()).unwrap();
        Encoded::new(Body::Empty, encoder)
    }

    fn all(encoded: &mut Encoded<Body>) -> Vec<Bytes> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut chunks = Vec::new();
        while let Poll::Ready(Some(chunk)) = encoded.poll_chunk(&mut cx) {
            chunks.push(chunk.unwrap());
        }
        chunks
    }

    fn plain(coded: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        flate2::bufread::GzDecoder::new(coded)
            .read_to_end(&mut plain)
            .unwrap();
        plain
    }

    #[test]
    fn a_large_body_is_coded_in_slices_and_its_end_comes_with_the_last() {
        let mut random = fastrand::Rng::with_seed(1);
        let body: Vec<u8> = (0..10 * SLICE).map(|_| random.alphanumeric() as u8).collect();
        let mut encoded = encoded(Body::Full(body.clone().into()));
        assert!(!encoded.is_over());
        let chunks = all(&mut encoded);
        assert!(encoded.is_over());
        assert!((5..=10).contains(&chunks.len()), "{}", chunks.len());
        assert!(plain(&chunks.concat()) == body);
    }

    #[tokio::test(start_paused = true)]
    async fn an_application_that_pauses_holds_no_memory_of_the_coding_after_a_second() {
        let mut encoded = encoded(Body::Full(vec![b'x'; 100].into()));
        // As if the application had more to say.
        encoded.slice().unwrap();
        (encoded.works, encoded.ended) = (true, false);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(encoded.works && encoded.poll_pause(&mut cx).is_pending());
        tokio::time::advance(PAUSE).await;
        assert!(encoded.poll_pause(&mut cx).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn while_many_applications_pause_none_holds_memory_of_the_coding() {
        let contexts = Arc::new(Contexts::new(Levels { gzip: 1, zstd: 1 }));
        let mut cx = Context::from_waker(Waker::noop());
        for coding in Coding::ALL {
            let mut all: Vec<_> = (0..200).map(|_| begun(&contexts, *coding)).collect();
            let mut is_held = |encoded: &mut Encoded<Body>| encoded.poll_pause(&mut cx).is_pending();
            assert!(!is_held(&mut all[0]));
            all.truncate(64);
            assert!(is_held(&mut all[0]), "those that have ended hold nothing");
        }
    }

    #[test]
    fn a_client_that_takes_nothing_holds_no_memory_of_the_coding() {
        let mut encoded = encoded(Body::Full(vec![b'x'; 3 * SLICE].into()));
        let mut coded = Vec::new();
        while !encoded.is_over() {
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(Some(chunk)) = encoded.poll_chunk(&mut cx) {
                coded.extend_from_slice(&chunk.unwrap());
            }
            encoded.detach();
            assert!(!encoded.dirty && !encoded.works);
        }
        assert_eq!(plain(&coded), vec![b'x'; 3 * SLICE]);
    }
}
