//! Sees which clients take an answer too slowly.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::frontend::connection::Connection;
use crate::transport::Deadline;

/// Looks at a connection's meters once a period, so that no piece of an answer has to set a timer.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Short enough for the shortest grace that there was.
    period: Duration,
    next: Deadline,
}

impl Watch {
    /// Ready when a client is too slow. Its connection, which ends with a reset, is to be dropped.
    pub(super) fn poll(&mut self, connection: &Connection, cx: &mut Context<'_>) -> Poll<()> {
        let Some(grace) = connection.meters.shortest_grace() else {
            return Poll::Pending;
        };
        let period = (grace / LOOKS).max(SHORTEST);
        if self.period != period {
            self.period = period;
            self.next.clear();
        }
        loop {
            if !self.next.is_set() {
                self.next.set(period);
            }
            ready!(self.next.poll(cx));
            self.next.clear();
            if connection.meters.look() {
                // What is on its way to such a client would keep memory busy; and without a length, a plain close
                // would be a clean end.
                connection.cut();
                return Poll::Ready(());
            }
        }
    }
}

/// Looks in one grace.
const LOOKS: u32 = 4;

/// Shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::frontend::connection_limit::ConnectionLimit;
    use crate::frontend::forwarded::Connected;
    use crate::frontend::pace::Rate;
    use crate::telemetry::Counters;

    const RATE: Rate = Rate {
        bytes: NonZeroU64::new(1000).unwrap(),
        grace: Duration::from_secs(20),
    };

    fn connection() -> Arc<Connection> {
        let places = Arc::new(ConnectionLimit::new(1, Arc::new(Counters::default())));
        Arc::new(Connection::new(
            Connected::new(None, None),
            Arc::default(),
            places.take(),
        ))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_noticed() {
        let connection = connection();
        let mut watch = Watch::default();
        let (fast, slow) = (connection.meters.meter(RATE), connection.meters.meter(RATE));
        drop(connection.meters.meter(RATE));
        let start = Instant::now();
        fast.given(100_000);
        fast.taken();
        slow.given(10_000);
        poll_fn(|cx| watch.poll(&connection, cx)).await;
        assert_eq!(start.elapsed().as_secs(), 25);
        assert!(slow.is_too_slow() && !fast.is_too_slow());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_application_is_not_a_slow_client() {
        let connection = connection();
        let mut watch = Watch::default();
        let meter = connection.meters.meter(RATE);
        tokio::spawn(async move {
            for _ in 0..10 {
                meter.given(10);
                sleep(Duration::from_secs(1)).await;
                meter.taken();
                sleep(Duration::from_secs(1000)).await;
            }
            meter.given(10);
            std::future::pending::<()>().await;
        });
        let start = Instant::now();
        poll_fn(|cx| watch.poll(&connection, cx)).await;
        assert!(start.elapsed() > Duration::from_secs(10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn the_shortest_grace_sets_the_pace_of_looks() {
        let connection = connection();
        let mut watch = Watch::default();
        let _patient = connection.meters.meter(RATE);
        assert!(
            poll_fn(|cx| Poll::Ready(watch.poll(&connection, cx)))
                .await
                .is_pending()
        );
        let start = Instant::now();
        let meter = connection.meters.meter(Rate {
            grace: Duration::from_secs(1),
            ..RATE
        });
        meter.given(0);
        poll_fn(|cx| watch.poll(&connection, cx)).await;
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}
