//! An answer whose client has to take it at a least rate: given out in pieces that are small enough for the rate to show.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::body::Body;
use super::broken::Broken;
use super::meter::Meter;

/// What stands between such an answer and its client.
pub(super) struct Metered {
    meter: Arc<Meter>,
    /// Bytes that are given out at a time.
    piece: usize,
    /// Left of a larger chunk.
    rest: Bytes,
}

impl Metered {
    /// Nothing was given out.
    pub(super) fn new(meter: Arc<Meter>, piece: usize) -> Self {
        Self {
            meter,
            piece,
            rest: Bytes::new(),
        }
    }

    /// The next piece of the body.
    pub(super) fn poll_chunk(
        &mut self,
        body: &mut Body,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        self.taken();
        if self.rest.is_empty() {
            match ready!(body.poll_chunk(cx)) {
                Some(Ok(chunk)) => self.rest = chunk,
                last => return Poll::Ready(last),
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(self.piece));
        Poll::Ready(Some(Ok(piece)))
    }

    /// Bytes that are given out at a time.
    pub(super) fn piece(&self) -> usize {
        self.piece
    }

    /// Bytes that are left of a chunk.
    pub(super) fn held(&self) -> u64 {
        self.rest.len() as u64
    }

    /// The client has taken what it was given.
    pub(super) fn taken(&self) {
        self.meter.taken();
    }

    /// The client does not take what it was given.
    pub(super) fn waits(&self) {
        self.meter.waits();
    }

    /// The client is given so many bytes.
    pub(super) fn given(&self, bytes: usize) {
        self.meter.given(bytes);
    }

    /// Whether the connection ends because of this answer.
    pub(super) fn is_too_slow(&self) -> bool {
        self.meter.is_too_slow()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::time::Duration;

    use tokio::time::advance;

    use super::super::meter::Meters;
    use super::super::pace::Rate;
    use super::*;

    const RATE: Rate = Rate {
        bytes: NonZeroU64::new(100).unwrap(),
        grace: Duration::from_secs(10),
    };

    fn next(metered: &mut Metered, body: &mut Body) -> usize {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Some(Ok(piece))) = metered.poll_chunk(body, &mut cx) else {
            panic!("a piece is there");
        };
        metered.given(piece.len());
        piece.len()
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_chunk_is_no_credit_for_a_client_that_takes_none_of_it() {
        let meters = Meters::default();
        let mut metered = Metered::new(meters.meter(RATE), RATE.piece());
        let mut body = Body::Full(vec![0; 1024 * 1024].into());
        assert_eq!(next(&mut metered, &mut body), 16 * 1024);
        // All of the chunk would have been three hours.
        advance(Duration::from_secs(160)).await;
        assert!(!meters.look());
        advance(Duration::from_secs(5)).await;
        assert!(meters.look() && metered.is_too_slow());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_at_its_rate_gets_all_of_a_chunk() {
        let meters = Meters::default();
        let mut metered = Metered::new(meters.meter(RATE), RATE.piece());
        let mut body = Body::Full(vec![0; 100_000].into());
        let mut left = 100_000;
        while left > 0 {
            let piece = next(&mut metered, &mut body);
            left -= piece;
            assert_eq!(metered.held(), left as u64);
            advance(Duration::from_millis(10 * piece as u64)).await;
            assert!(!meters.look(), "{left}");
        }
        assert!(body.is_over());
    }
}
