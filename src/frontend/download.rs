//! Clients that take their answers too slowly.
//!
//! Whoever sends an answer asks for the next piece when the client has taken the last one, or enough of it: the
//! time in between is the client's. Each answer on a route with a least rate has a meter; each connection looks at
//! its meters once a while, as a client that takes nothing causes no event. hyper cannot end one stream from
//! outside: the connection ends with all of them.

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use super::pace::{Pace, Rate};
use super::service::Connection;
use crate::transport::Deadline;

/// How fast a client takes one answer.
#[derive(Debug)]
pub(super) struct Meter {
    pace: Mutex<Pace>,
    too_slow: AtomicBool,
}

/// The meters of a connection.
#[derive(Debug, Default)]
pub(super) struct Downloads(Mutex<Vec<Weak<Meter>>>);

/// Looks at a connection's meters once a period, so that no piece of an answer has to set a timer.
pub(super) struct Watch {
    connection: Arc<Connection>,
    period: Duration,
    next: Deadline,
}

impl Meter {
    /// The client has taken what it was given.
    pub(super) fn taken(&self) {
        self.lock().end(Instant::now());
    }

    /// The client is given so many bytes.
    pub(super) fn given(&self, bytes: usize) {
        let mut pace = self.lock();
        pace.earn(bytes);
        pace.begin(Instant::now());
    }

    /// Whether the connection ends because of this one.
    pub(super) fn is_too_slow(&self) -> bool {
        self.too_slow.load(Ordering::Relaxed)
    }

    fn look(&self, now: Instant) -> bool {
        let too_slow = self.lock().is_spent(now);
        self.too_slow.fetch_or(too_slow, Ordering::Relaxed);
        too_slow
    }

    fn lock(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Downloads {
    /// A meter for an answer; looked at as long as it is kept.
    pub(super) fn meter(&self, rate: Rate) -> Arc<Meter> {
        let meter = Arc::new(Meter {
            pace: Mutex::new(Pace::new(rate)),
            too_slow: AtomicBool::new(false),
        });
        let mut meters = self.lock();
        meters.retain(|meter| meter.strong_count() > 0);
        meters.push(Arc::downgrade(&meter));
        meter
    }

    /// Whether one of them is too slow. Looks at all: each has its own reason.
    fn look(&self) -> bool {
        let now = Instant::now();
        let meters = self.lock();
        let looked = meters
            .iter()
            .filter_map(Weak::upgrade)
            .map(|meter| meter.look(now));
        looked.fold(false, |any, too_slow| any | too_slow)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Meter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Looks often enough for the shortest grace there is.
    pub(super) fn new(connection: Arc<Connection>, grace: Duration) -> Self {
        Self {
            connection,
            period: (grace / LOOKS).max(SHORTEST),
            next: Deadline::never(),
        }
    }

    /// Serves the connection to its end, or until a client is too slow.
    pub(super) async fn over(mut self, serving: impl Future<Output = ()>) {
        tokio::select! {
            () = serving => {}
            () = poll_fn(|cx| self.poll(cx)) => {}
        }
    }

    /// Ready when a client is too slow. Its connection is to be cut.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if !self.next.is_set() {
                self.next.set(self.period);
            }
            ready!(self.next.poll(cx));
            self.next.clear();
            if self.connection.downloads.look() {
                // What is on its way to such a client would keep memory busy; and without a length, a plain close
                // would be a clean end.
                self.connection.cut();
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
    use std::num::NonZeroU64;

    use tokio::time::sleep;

    use super::*;
    use crate::frontend::connection_limit::ConnectionLimit;
    use crate::frontend::forwarded::Connected;

    const RATE: Rate = Rate {
        bytes: NonZeroU64::new(1000).unwrap(),
        grace: Duration::from_secs(20),
    };

    fn connection() -> Arc<Connection> {
        let places = Arc::new(ConnectionLimit::new(1, Arc::default()));
        Arc::new(Connection::new(
            Connected::new(None, None),
            Arc::default(),
            places.take(),
        ))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_noticed() {
        let connection = connection();
        let mut watch = Watch::new(connection.clone(), RATE.grace);
        let (fast, slow) = (connection.downloads.meter(RATE), connection.downloads.meter(RATE));
        drop(connection.downloads.meter(RATE));
        let start = Instant::now();
        fast.given(100_000);
        fast.taken();
        slow.given(10_000);
        poll_fn(|cx| watch.poll(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 25);
        assert!(slow.is_too_slow() && !fast.is_too_slow());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_application_is_not_a_slow_client() {
        let connection = connection();
        let mut watch = Watch::new(connection.clone(), RATE.grace);
        let meter = connection.downloads.meter(RATE);
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
        poll_fn(|cx| watch.poll(cx)).await;
        assert!(start.elapsed() > Duration::from_secs(10_000));
    }
}
