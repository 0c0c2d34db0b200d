//! How often requests with one key come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::key;
use super::settings::{Limit, RequestRate};
use crate::protocol::RequestHead;
use crate::tally::{Gcra, State, Table, Verdict};
use crate::telemetry::limits::LimitCounters;

/// A limit of a rate, ready to be asked.
pub(in crate::frontend) struct RateLimit {
    pub(in crate::frontend) settings: Limit,
    gcra: Gcra,
    seen: Arc<Seen>,
    pub(in crate::frontend) counters: Arc<LimitCounters>,
    /// Its place in the configuration.
    pub(super) number: usize,
}

/// What is remembered of keys. Outlives a configuration.
pub(super) struct Seen {
    buckets: Table<Bucket>,
    since: Instant,
}

/// What is remembered of one key.
#[derive(Debug, Default)]
struct Bucket {
    /// When it is even; see [`Gcra`].
    even: u64,
    /// The second in which it was told last that a request was refused; 0: never.
    told: u32,
}

/// A request that was asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) verdict: Verdict,
    /// Whether a refusal is to be told: once a second for each key, so that a flood of requests is none of lines.
    pub(super) tell: bool,
}

impl State for Bucket {
    fn is_idle(&self, now: u64) -> bool {
        self.even <= now
    }
}

impl RateLimit {
    /// A limit with what is remembered from before, if that is about the same keys.
    pub(super) fn new(
        settings: &Limit,
        rate: RequestRate,
        number: usize,
        before: Option<&Self>,
        counters: Arc<LimitCounters>,
    ) -> Self {
        let known = before.filter(|before| before.settings.has_keys_of(settings));
        let new = || {
            Arc::new(Seen {
                buckets: Table::new(settings.keys),
                since: Instant::now(),
            })
        };
        Self {
            gcra: rate.gcra(),
            seen: known.map_or_else(new, |known| known.seen.clone()),
            settings: settings.clone(),
            counters,
            number,
        }
    }

    /// Counts a request of a client that is known; `None`: it has no key.
    pub(super) fn ask(&self, head: &RequestHead, now: Instant) -> Option<Asking> {
        let buckets = &self.seen.buckets;
        let key = key::of(&self.settings, head, buckets.secret())?;
        let since = now.saturating_duration_since(self.seen.since);
        let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        let asking = buckets.with(key, nanos, |bucket| {
            let verdict = self.gcra.ask(&mut bucket.even, nanos);
            let tell = matches!(verdict, Verdict::Refuse(_)) && bucket.is_to_be_told(since);
            Asking { verdict, tell }
        });
        let lost = buckets.lost();
        if lost != self.counters.keys_lost.value() {
            self.counters.keys_lost.set(lost);
        }
        asking
    }

    /// A request that was to go on, or to wait, does not.
    pub(super) fn take_back(&self, head: &RequestHead) {
        let buckets = &self.seen.buckets;
        let take_back = |bucket: &mut Bucket| self.gcra.take_back(&mut bucket.even);
        if let Some(key) = key::of(&self.settings, head, buckets.secret()) {
            buckets.with_known(key, take_back);
        }
    }
}

impl Bucket {
    fn is_to_be_told(&mut self, since: Duration) -> bool {
        let second = u32::try_from(since.as_secs() + 1).unwrap_or(u32::MAX);
        std::mem::replace(&mut self.told, second) != second
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use http::Method;

    use super::*;
    use crate::protocol::samples;

    fn limit(settings: &Limit, before: Option<&RateLimit>) -> RateLimit {
        let rate = RequestRate {
            requests: NonZeroU32::MIN,
            per: Duration::from_secs(60),
            burst: 0,
            delay: 0,
        };
        RateLimit::new(settings, rate, 0, before, Arc::default())
    }

    fn settings(key: &str) -> Limit {
        Limit {
            name: "a".to_owned(),
            key: key.parse().unwrap(),
            ..Limit::default()
        }
    }

    fn is_refused(limit: &RateLimit, now: Instant) -> bool {
        let asking = limit.ask(&samples::request(Method::GET), now).unwrap();
        matches!(asking.verdict, Verdict::Refuse(_))
    }

    #[test]
    fn what_is_remembered_goes_on_with_the_same_keys_alone() {
        let first = limit(&settings("$uri"), None);
        let now = Instant::now();
        assert!(!is_refused(&first, now) && is_refused(&first, now));
        let same = Limit {
            status: http::StatusCode::SERVICE_UNAVAILABLE,
            ..settings("$uri")
        };
        assert!(is_refused(&limit(&same, Some(&first)), now));
        assert!(!is_refused(&limit(&settings("$request_uri"), Some(&first)), now));
    }

    #[test]
    fn a_key_is_told_once_a_second() {
        let limit = limit(&settings("$uri"), None);
        let start = Instant::now();
        let told = (0..40).map(|step| {
            let now = start + Duration::from_millis(step * 100);
            limit.ask(&samples::request(Method::GET), now).unwrap().tell
        });
        let told = told.filter(|told| *told).count();
        assert!((4..=5).contains(&told), "{told}");
    }
}
