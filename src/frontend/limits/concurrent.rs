//! How many requests with one key are under way.

use std::sync::Arc;
use std::time::Instant;

use super::key;
use super::settings::Limit;
use crate::protocol::RequestHead;
use crate::tally::{KeyHash, State, Table};
use crate::telemetry::limits::LimitCounters;

/// A limit of requests at a time, ready to be asked.
pub(in crate::frontend) struct ConcurrentLimit {
    pub(super) settings: Limit,
    most: u32,
    under_way: Arc<UnderWay>,
    pub(super) counters: Arc<LimitCounters>,
    /// Its place in the configuration.
    pub(super) number: usize,
}

/// What is under way. Outlives a configuration.
struct UnderWay {
    keys: Table<Count>,
    since: Instant,
}

/// What is under way of one key.
#[derive(Debug, Default)]
struct Count {
    requests: u32,
    /// The second in which it was told last that a request was refused; 0: never.
    told: u32,
}

/// A request that counts, as long as it lives.
pub(in crate::frontend) struct Held {
    under_way: Arc<UnderWay>,
    key: KeyHash,
}

/// What becomes of a request.
pub(super) enum Admission {
    /// It goes on, and counts, if it has a key and there is room for that.
    Pass(Option<Held>),
    /// It is refused; whether that is to be told.
    Refuse(bool),
}

impl State for Count {
    fn is_idle(&self, _now: u64) -> bool {
        self.requests == 0
    }

    fn is_held(&self) -> bool {
        self.requests > 0
    }
}

impl ConcurrentLimit {
    /// A limit with what is under way from before, if that has the same keys.
    pub(super) fn new(
        settings: &Limit,
        most: u32,
        number: usize,
        before: Option<&Self>,
        counters: Arc<LimitCounters>,
    ) -> Self {
        let known = before.filter(|before| before.settings.has_keys_of(settings));
        let new = || {
            Arc::new(UnderWay {
                keys: Table::new(settings.keys),
                since: Instant::now(),
            })
        };
        Self {
            most,
            under_way: known.map_or_else(new, |known| known.under_way.clone()),
            settings: settings.clone(),
            counters,
            number,
        }
    }

    /// Counts a request of a client that is known. Where all keys that a table has room for have requests under way, those of
    /// another key do not count: to refuse them would be for one client to close the site to all others.
    pub(super) fn ask(&self, head: &RequestHead, now: Instant) -> Admission {
        let keys = &self.under_way.keys;
        let Some(key) = key::of(&self.settings, head, keys.secret()) else {
            return Admission::Pass(None);
        };
        let since = now.saturating_duration_since(self.under_way.since);
        let second = u32::try_from(since.as_secs() + 1).unwrap_or(u32::MAX);
        let asked = keys.with(key, 0, |count| {
            if count.requests >= self.most {
                return Admission::Refuse(std::mem::replace(&mut count.told, second) != second);
            }
            count.requests += 1;
            Admission::Pass(Some(Held {
                under_way: self.under_way.clone(),
                key,
            }))
        });
        asked.unwrap_or(Admission::Pass(None))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let keys = &self.under_way.keys;
        keys.with_known(self.key, |count| {
            count.requests = count.requests.saturating_sub(1)
        });
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::protocol::samples;

    fn limit(most: u32, keys: usize, before: Option<&ConcurrentLimit>) -> ConcurrentLimit {
        let settings = Limit {
            key: "$request_method".parse().unwrap(),
            keys,
            ..Limit::default()
        };
        ConcurrentLimit::new(&settings, most, 0, before, Arc::default())
    }

    fn ask(limit: &ConcurrentLimit, method: Method) -> Admission {
        limit.ask(&samples::request(method), Instant::now())
    }

    #[test]
    fn a_request_counts_until_its_guard_is_dropped() {
        let limit = limit(2, 10, None);
        let held = [ask(&limit, Method::GET), ask(&limit, Method::GET)];
        assert!(matches!(ask(&limit, Method::GET), Admission::Refuse(true)));
        assert!(matches!(ask(&limit, Method::GET), Admission::Refuse(false)));
        assert!(matches!(ask(&limit, Method::PUT), Admission::Pass(Some(_))));
        drop(held);
        assert!(matches!(ask(&limit, Method::GET), Admission::Pass(Some(_))));
    }

    #[test]
    fn what_is_under_way_counts_under_the_next_configuration() {
        let first = limit(1, 10, None);
        let held = ask(&first, Method::GET);
        let next = limit(1, 10, Some(&first));
        drop(first);
        assert!(matches!(ask(&next, Method::GET), Admission::Refuse(_)));
        drop(held);
        assert!(matches!(ask(&next, Method::GET), Admission::Pass(Some(_))));
    }

    #[test]
    fn keys_beyond_the_room_do_not_count_and_are_not_refused() {
        let limit = limit(1, 1, None);
        let _held = ask(&limit, Method::GET);
        assert!(matches!(ask(&limit, Method::PUT), Admission::Pass(None)));
        assert!(matches!(ask(&limit, Method::GET), Admission::Refuse(_)));
    }
}
