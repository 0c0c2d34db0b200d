//! What a fault did: how much of it may show, and what has to be reported besides.

use std::ops::Range;
use std::time::Instant;

use super::sample::Sample;

/// The most that may be seen of a fault, counted while it was made.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    /// Exchanges that it may have broken. A POST among them is not repeatable, and an answer that had begun cannot be
    /// taken back.
    pub(crate) interrupted: usize,
    /// Requests that it may have left without an answer for the whole head timeout.
    pub(crate) unanswered: usize,
    /// What clients besides the ordinary load got.
    pub(crate) samples: Vec<Sample>,
    /// When the clients of the case were there and when not; for each kind of them.
    pub(crate) phases: Vec<Phases>,
    /// What else was to happen and did not.
    pub(crate) complaints: Vec<String>,
}

/// Times with and without the clients of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phases {
    /// What kind of clients they are, where a case has several.
    pub(crate) kind: &'static str,
    /// What else is to be told of them.
    pub(crate) more: String,
    /// How many times the ordinary p99 without them that with them may be, where a case promises it.
    pub(crate) most: Option<f64>,
    /// The ordinary load alone.
    pub(crate) without: Vec<Range<Instant>>,
    /// All of them are under way.
    pub(crate) with: Vec<Range<Instant>>,
}

impl Damage {
    /// Nothing may be seen of it.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// It may have broken that many exchanges.
    pub(crate) fn interrupted(exchanges: usize) -> Self {
        Self {
            interrupted: exchanges,
            ..Self::default()
        }
    }
}
