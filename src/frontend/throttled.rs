//! The body of an answer that goes to its client no faster than so many bytes a second.

use std::num::NonZeroU64;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use super::broken::Broken;
use super::encoded::Plain;

/// How fast a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttle {
    /// Bytes a second.
    pub(super) rate: NonZeroU64,
    /// Bytes that come before it counts.
    pub(super) after: u64,
}

/// A body at a rate. As with nginx, the bytes of the first second may go at once.
pub struct Throttled<B> {
    body: B,
    throttle: Throttle,
    /// When the first byte went.
    since: Option<Instant>,
    /// Bytes that went.
    given: u64,
    /// Left of a chunk of the body.
    rest: Bytes,
    /// Until the next bytes may go.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<B: Plain> Throttled<B> {
    /// Nothing went yet. The body is ahead of its client from the beginning.
    pub(super) fn new(mut body: B, throttle: Throttle) -> Self {
        body.detach();
        Self {
            body,
            throttle,
            since: None,
            given: 0,
            rest: Bytes::new(),
            pause: None,
        }
    }

    /// The next bytes, when it is their time.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        if self.rest.is_empty() {
            match ready!(self.body.poll_chunk(cx)) {
                Some(Ok(chunk)) => self.rest = chunk,
                last => return Poll::Ready(last),
            }
        }
        let piece = self.rest.len().min(self.piece());
        ready!(self.poll_due(piece, cx));
        self.given += piece as u64;
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }

    /// Ready when so many bytes may go.
    fn poll_due(&mut self, piece: usize, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let Throttle { rate, after } = self.throttle;
        let given = (self.given + piece as u64).saturating_sub(after);
        let ahead = given as f64 / rate.get() as f64 - FIRST;
        if self.pause.is_none() && ahead > 0.0 {
            let due = since + Duration::try_from_secs_f64(ahead).unwrap_or(LONGEST);
            self.pause = Some(Box::pin(sleep_until(due)));
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }

    /// Bytes that go at a time: an eighth of a second's, within bounds.
    pub(super) fn piece(&self) -> usize {
        let piece = (self.throttle.rate.get() / 8).clamp(1, MOST);
        usize::try_from(piece).unwrap_or(1)
    }

    /// The body itself.
    pub(super) fn body(&mut self) -> &mut B {
        &mut self.body
    }

    /// Whether all of it was given out.
    pub(super) fn is_over(&self) -> bool {
        self.rest.is_empty() && self.body.is_over()
    }

    /// Bytes still to be given out, when those of the body are known.
    pub(super) fn remaining(&self, of_body: Option<u64>) -> Option<u64> {
        Some(of_body? + self.rest.len() as u64)
    }

    /// The body as it is to be asked.
    pub(super) fn inner(&self) -> &B {
        &self.body
    }
}

/// Seconds whose bytes may go at once.
const FIRST: f64 = 1.0;

/// Bytes that go at a time, at most.
const MOST: u64 = 64 * 1024;

/// No pause is longer, however slow the rate is.
const LONGEST: Duration = Duration::from_secs(3600 * 24 * 365);

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// One chunk.
    struct Chunk(Option<Bytes>);

    impl Plain for Chunk {
        fn poll_chunk(&mut self, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
            Poll::Ready(self.0.take().map(Ok))
        }

        fn detach(&mut self) {}

        fn is_over(&self) -> bool {
            self.0.is_none()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_second_goes_at_once_and_the_rest_at_the_rate() {
        for (rate, after, bytes, millis) in [
            (1000, 0, 1000, 0),
            (1000, 0, 5000, 4000),
            (1000, 3000, 5000, 1000),
            (1000, 5000, 5000, 0),
            (1, 0, 3, 2000),
            (1 << 40, 0, 1 << 20, 0),
        ] {
            let chunk = Chunk(Some(vec![7; bytes].into()));
            let rate = NonZeroU64::new(rate).unwrap();
            let mut body = Throttled::new(chunk, Throttle { rate, after });
            let start = Instant::now();
            let mut given = 0;
            while let Some(chunk) = poll_fn(|cx| body.poll_chunk(cx)).await {
                given += chunk.unwrap().len();
                assert_eq!(body.remaining(Some(0)), Some((bytes - given) as u64));
            }
            assert!(given == bytes && body.is_over());
            // tokio's clock has steps of a millisecond.
            let took = start.elapsed().as_millis();
            assert!((millis..=millis + 5).contains(&took), "{rate}: {took} ms");
        }
    }
}
