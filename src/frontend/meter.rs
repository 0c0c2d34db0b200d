//! Clients that take their answers too slowly.
//!
//! What sends an answer asks for the next piece when the client has taken the last one, or enough of it: the
//! time in between is the client's. Each answer on a route with a least rate has a meter; each connection looks at
//! its meters once a while, as a client that takes nothing causes no event. Nothing ends one answer from
//! outside: the connection ends with all of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::pace::{Pace, Rate};

/// How fast a client takes one answer.
#[derive(Debug)]
pub(super) struct Meter {
    pace: Mutex<Pace>,
    too_slow: AtomicBool,
}

/// The meters of a connection. There as soon as it has one: most have none.
#[derive(Debug, Default)]
pub(super) struct Meters(OnceLock<Box<Known>>);

#[derive(Debug)]
struct Known {
    meters: Mutex<Vec<Weak<Meter>>>,
    /// The shortest of all that there were, in milliseconds.
    grace: AtomicU64,
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

    /// The client does not take what it was given.
    pub(super) fn waits(&self) {
        self.lock().begin(Instant::now());
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

impl Meters {
    /// A meter for an answer; looked at as long as it is kept.
    pub(super) fn meter(&self, rate: Rate) -> Arc<Meter> {
        let meter = Arc::new(Meter {
            pace: Mutex::new(Pace::new(rate)),
            too_slow: AtomicBool::new(false),
        });
        let known = self.0.get_or_init(|| {
            Box::new(Known {
                meters: Mutex::default(),
                grace: AtomicU64::new(u64::MAX),
            })
        });
        let grace = u64::try_from(rate.grace.as_millis()).unwrap_or(u64::MAX);
        known.grace.fetch_min(grace, Ordering::Relaxed);
        let mut meters = known.lock();
        meters.retain(|meter| meter.strong_count() > 0);
        meters.push(Arc::downgrade(&meter));
        meter
    }

    /// The shortest grace of all that there were; `None`: there was none.
    pub(super) fn shortest_grace(&self) -> Option<Duration> {
        let known = self.0.get()?;
        Some(Duration::from_millis(known.grace.load(Ordering::Relaxed)))
    }

    /// Whether one of them is too slow. Looks at all: each has its own reason.
    pub(super) fn look(&self) -> bool {
        let now = Instant::now();
        let Some(known) = self.0.get() else { return false };
        let meters = known.lock();
        let looked = meters
            .iter()
            .filter_map(Weak::upgrade)
            .map(|meter| meter.look(now));
        looked.fold(false, |any, too_slow| any | too_slow)
    }
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Meter>>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
