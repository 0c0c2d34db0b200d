//! What becomes of the orders for certificates.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Orders so far, and how each certificate stands.
#[derive(Debug, Default)]
pub struct Orders {
    /// Those that came to a certificate.
    issued: AtomicU64,
    failed: [AtomicU64; OrderFailure::ALL.len()],
    states: Mutex<BTreeMap<String, OrderState>>,
}

/// How a certificate that is ordered by ourselves stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderState {
    /// `valid`, `ordering`, `failed`, or `given_up`.
    pub state: &'static str,
    /// The directory that is asked, or will be.
    pub directory: String,
    /// How it is shown that the name is ours.
    pub challenge: &'static str,
    /// Until when the certificate is good, in seconds since 1970; `None`: there is none yet.
    pub not_after: Option<i64>,
    /// When it is ordered, in seconds since 1970.
    pub next: Option<i64>,
    /// Failures in a row.
    pub failures: u32,
    /// The last one of them.
    pub error: Option<String>,
}

/// Why an order did not come to a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OrderFailure {
    /// The directory does not answer, or not as it should.
    Directory,
    /// It wants to be left alone.
    RateLimited,
    /// It says no.
    Refused,
    /// It did not find the answer to its challenge.
    Challenge,
    /// It was not done in time.
    Late,
    /// Our part could not be done.
    Local,
}

impl OrderFailure {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Directory,
        Self::RateLimited,
        Self::Refused,
        Self::Challenge,
        Self::Late,
        Self::Local,
    ];

    /// As a label of a metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::Challenge => "challenge",
            Self::Late => "late",
            Self::Local => "local",
        }
    }
}

impl Orders {
    /// Counts one that came to a certificate.
    pub fn issue(&self) {
        self.issued.fetch_add(1, Ordering::Relaxed);
    }

    /// Those so far.
    pub fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    /// Counts one that failed.
    pub fn fail(&self, why: OrderFailure) {
        self.failed[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Those that failed, by their reasons.
    pub fn failed(&self) -> impl Iterator<Item = (OrderFailure, u64)> {
        OrderFailure::ALL
            .into_iter()
            .map(|why| (why, self.failed[why as usize].load(Ordering::Relaxed)))
    }

    /// How the certificate of a name stands now.
    pub fn set(&self, name: &str, state: OrderState) {
        self.lock().insert(name.to_owned(), state);
    }

    /// Forgets certificates that are not wanted any more.
    pub fn retain(&self, wanted: impl Fn(&str) -> bool) {
        self.lock().retain(|name, _| wanted(name));
    }

    /// How all of them stand, by their names.
    pub fn states(&self) -> BTreeMap<String, OrderState> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, OrderState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
