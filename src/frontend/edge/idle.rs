//! When an HTTP/2 connection without requests was kept for long enough: its client answers our pings and would be kept
//! for ever.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::frontend::connection::Connection;
use crate::transport::Deadline;

/// Watches a connection. Looks at it once a period, so that no request has to set a timer.
pub(super) struct Idle {
    connection: Arc<Connection>,
    period: Duration,
    next: Deadline,
    /// The requests at the beginning of the period, if none was under way.
    before: Option<usize>,
}

impl Idle {
    /// Looks at `connection` once a `period`.
    pub(super) fn new(connection: Arc<Connection>, period: Duration) -> Self {
        Self {
            connection,
            period,
            next: Deadline::never(),
            before: None,
        }
    }

    /// From the next look on, looks come once this long.
    pub(super) fn set_period(&mut self, period: Duration) {
        self.period = period;
    }

    /// Ready when there was no request for a period: at the end of the next one at the latest.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if !self.next.is_set() {
                self.before = self.connection.requests.at_rest();
                self.next.set(self.period);
            }
            ready!(self.next.poll(cx));
            self.next.clear();
            if self.before.is_some() && self.before == self.connection.requests.at_rest() {
                return Poll::Ready(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::frontend::connection_limit::ConnectionLimit;
    use crate::frontend::forwarded::Connected;

    const PERIOD: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_a_whole_period_after_its_last_request() {
        let places = Arc::new(ConnectionLimit::new(1, Arc::default()));
        let connection = Arc::new(Connection::new(
            Connected::new(None, None),
            Arc::default(),
            places.take(),
        ));
        let mut idle = Idle::new(connection.clone(), PERIOD);
        let start = Instant::now();
        tokio::spawn(async move {
            // A short one, and a long one.
            for time in [PERIOD / 10, PERIOD * 3] {
                connection.requests.begin();
                sleep(time).await;
                connection.requests.end();
                sleep(PERIOD / 2).await;
            }
        });
        poll_fn(|cx| idle.poll(cx)).await;
        // The last one ended after 36 seconds.
        assert_eq!(start.elapsed().as_secs(), 50);
    }
}
