//! The limits of one route, which its requests count for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::concurrent::{Admission, ConcurrentLimit};
use super::counted::Counted;
use super::rate::RateLimit;
use super::settings::Limit;
use crate::protocol::RequestHead;
use crate::tally::Verdict;
use crate::telemetry::limits::{LimitCounters, LimitStatus};

/// The limits of a route, in the order in which it names them, each of them once.
pub(in crate::frontend) struct Asked {
    rates: Box<[Arc<RateLimit>]>,
    concurrent: Box<[Arc<ConcurrentLimit>]>,
}

/// What becomes of a request.
pub(in crate::frontend) enum Outcome<'a> {
    /// It goes on.
    Pass,
    /// It goes on after so much time.
    Wait(Duration, Waiting),
    /// It is refused by a limit.
    Refuse(Refused<'a>),
}

/// A request that is refused, or would be.
pub(in crate::frontend) struct Refused<'a> {
    pub(in crate::frontend) limit: &'a Limit,
    /// What of it.
    pub(in crate::frontend) kind: Kind,
    /// When the next one is not.
    pub(in crate::frontend) after: Duration,
    /// Whether to tell it.
    pub(in crate::frontend) tell: bool,
}

/// What a limit limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::frontend) enum Kind {
    /// How often requests come.
    Rate,
    /// How many are under way.
    Concurrent,
}

/// When a request may be under way that is one too many: as of a pool that is full.
const COME_BACK: Duration = Duration::from_secs(1);

/// A request that waits, as long as it does.
pub(in crate::frontend) struct Waiting(Arc<LimitCounters>);

/// Requests that wait at a time for one limit; each has a connection or a stream. More are refused.
const MOST_WAITING: u64 = 4096;

/// Which of the limits of a route, as bits by their places.
#[derive(Clone, Copy, Default)]
struct Places(u64);

impl Asked {
    /// Nothing is asked yet.
    pub(super) fn new(rates: Box<[Arc<RateLimit>]>, concurrent: Box<[Arc<ConcurrentLimit>]>) -> Self {
        Self { rates, concurrent }
    }

    /// Whether there is nothing to ask.
    pub(super) fn is_empty(&self) -> bool {
        self.rates.is_empty() && self.concurrent.is_empty()
    }

    /// Counts a request of a client that is known. `would` is told of what a limit would refuse that is none yet. A request
    /// that is refused counts for no limit, as with nginx.
    pub(in crate::frontend) fn ask<'a>(
        &'a self,
        head: &RequestHead,
        counted: &mut Counted,
        now: Instant,
        mut would: impl FnMut(Refused<'a>),
    ) -> Outcome<'a> {
        let (mut taken, mut delayed) = (Places::default(), Places::default());
        let mut longest: Option<(Duration, &RateLimit)> = None;
        for (place, limit) in self.rates.iter().enumerate() {
            if !counted.first(limit.number) {
                continue;
            }
            let Some(asking) = limit.ask(head, now) else {
                continue;
            };
            let refused = |after, tell| Refused {
                limit: &limit.settings,
                kind: Kind::Rate,
                after,
                tell,
            };
            match asking.verdict {
                Verdict::Refuse(after) if limit.settings.dry_run => {
                    limit.counters.dry_run.add(1);
                    counted.rate(LimitStatus::RejectedDryRun);
                    would(refused(after, asking.tell));
                }
                Verdict::Wait(_) if limit.settings.dry_run => {
                    limit.counters.dry_run.add(1);
                    counted.rate(LimitStatus::DelayedDryRun);
                }
                Verdict::Wait(wait) if limit.is_full() => {
                    limit.take_back(head);
                    limit.counters.rate.add(1);
                    return self.refuse(head, counted, taken, refused(wait, true));
                }
                Verdict::Refuse(after) => {
                    limit.counters.rate.add(1);
                    return self.refuse(head, counted, taken, refused(after, asking.tell));
                }
                Verdict::Wait(wait) => {
                    taken.add(place);
                    delayed.add(place);
                    if longest.is_none_or(|(longest, _)| wait > longest) {
                        longest = Some((wait, limit));
                    }
                }
                Verdict::Pass => taken.add(place),
            }
        }
        if let Some(refused) = self.admit(head, counted, now, &mut would) {
            return self.refuse(head, counted, taken, refused);
        }
        self.count(counted, taken, delayed);
        longest.map_or(Outcome::Pass, |(wait, limit)| {
            Outcome::Wait(wait, Waiting::begin(&limit.counters))
        })
    }

    /// Counts a request as one that is under way; gives the limit that has too many.
    fn admit<'a>(
        &'a self,
        head: &RequestHead,
        counted: &mut Counted,
        now: Instant,
        would: &mut impl FnMut(Refused<'a>),
    ) -> Option<Refused<'a>> {
        for limit in self.concurrent.iter() {
            if !counted.first_at_a_time(limit.number) {
                continue;
            }
            let refused = |tell| Refused {
                limit: &limit.settings,
                kind: Kind::Concurrent,
                after: COME_BACK,
                tell,
            };
            match limit.ask(head, now) {
                Admission::Pass(None) => {}
                Admission::Pass(Some(held)) => {
                    counted.hold(held);
                    counted.at_a_time(LimitStatus::Passed);
                    // One that has a rate has counted it.
                    if limit.settings.rate.is_none() {
                        limit.counters.passed.add(1);
                    }
                }
                Admission::Refuse(tell) if limit.settings.dry_run => {
                    limit.counters.dry_run.add(1);
                    counted.at_a_time(LimitStatus::RejectedDryRun);
                    would(refused(tell));
                }
                Admission::Refuse(tell) => {
                    limit.counters.concurrent.add(1);
                    return Some(refused(tell));
                }
            }
        }
        None
    }

    fn refuse<'a>(
        &self,
        head: &RequestHead,
        counted: &mut Counted,
        taken: Places,
        refused: Refused<'a>,
    ) -> Outcome<'a> {
        match refused.kind {
            Kind::Rate => counted.rate(LimitStatus::Rejected),
            Kind::Concurrent => counted.at_a_time(LimitStatus::Rejected),
        }
        // Its answer is under way, and none of those that are limited.
        drop(counted.take_held());
        self.at(taken).for_each(|(_, limit)| limit.take_back(head));
        Outcome::Refuse(refused)
    }

    fn count(&self, counted: &mut Counted, taken: Places, delayed: Places) {
        for (place, limit) in self.at(taken) {
            match delayed.has(place) {
                true => {
                    limit.counters.delayed.add(1);
                    counted.rate(LimitStatus::Delayed);
                }
                false => {
                    limit.counters.passed.add(1);
                    counted.rate(LimitStatus::Passed);
                }
            }
        }
    }

    fn at(&self, places: Places) -> impl Iterator<Item = (usize, &Arc<RateLimit>)> {
        let all = self.rates.iter().enumerate();
        all.filter(move |(place, _)| places.has(*place))
    }
}

impl RateLimit {
    /// Whether no more requests may wait for it.
    fn is_full(&self) -> bool {
        self.counters.waiting.value() >= MOST_WAITING
    }
}

impl Waiting {
    fn begin(counters: &Arc<LimitCounters>) -> Self {
        counters.waiting.add();
        Self(counters.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.remove();
    }
}

impl Places {
    fn add(&mut self, place: usize) {
        self.0 |= 1_u64.checked_shl(place as u32).unwrap_or(0);
    }

    fn has(self, place: usize) -> bool {
        self.0.checked_shr(place as u32).unwrap_or(0) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use http::Method;

    use super::*;
    use crate::frontend::limits::RequestRate;
    use crate::protocol::samples;

    /// A limit on requests with the same target; nothing waits for it unless `delay` says so.
    fn limit(number: usize, requests: u32, delay: Option<u32>, dry_run: bool) -> Arc<RateLimit> {
        let settings = Limit {
            key: "$uri".parse().unwrap(),
            dry_run,
            ..Limit::default()
        };
        let rate = RequestRate {
            requests: NonZeroU32::MIN,
            per: Duration::from_secs(1),
            burst: requests - 1,
            delay: delay.unwrap_or(requests),
        };
        Arc::new(RateLimit::new(&settings, rate, number, None, Arc::default()))
    }

    fn asked(limits: &[&Arc<RateLimit>]) -> Asked {
        Asked::new(
            limits.iter().map(|limit| Arc::clone(limit)).collect(),
            Box::default(),
        )
    }

    /// What becomes of so many requests at the same time.
    fn outcomes(asked: &Asked, now: Instant, count: usize) -> Vec<LimitStatus> {
        let ask = |_| {
            let mut counted = Counted::default();
            asked.ask(&samples::request(Method::GET), &mut counted, now, |_| {});
            counted.outcome.rate.unwrap()
        };
        (0..count).map(ask).collect()
    }

    #[test]
    fn what_one_limit_refuses_counts_for_no_other() {
        let (wide, narrow) = (limit(0, 5, None, false), limit(1, 2, None, false));
        let both = asked(&[&wide, &narrow]);
        let now = Instant::now();
        let refused = |outcomes: Vec<LimitStatus>| {
            let refused = |status: &&LimitStatus| **status == LimitStatus::Rejected;
            outcomes.iter().filter(refused).count()
        };
        assert_eq!(refused(outcomes(&both, now, 100)), 98);
        assert_eq!(refused(outcomes(&asked(&[&wide]), now, 4)), 1);
        assert_eq!(wide.counters.passed.value(), 5);
        assert_eq!(narrow.counters.rate.value(), 98);
    }

    #[test]
    fn a_dry_run_refuses_nothing_and_tells_what_it_would() {
        let dry = limit(0, 1, None, true);
        let asked = asked(&[&dry]);
        let (now, mut told) = (Instant::now(), 0);
        for _ in 0..3 {
            let mut counted = Counted::default();
            let outcome = asked.ask(&samples::request(Method::GET), &mut counted, now, |would| {
                told += usize::from(would.tell);
            });
            assert!(matches!(outcome, Outcome::Pass));
        }
        assert_eq!((told, dry.counters.dry_run.value()), (1, 2));
    }

    #[test]
    fn a_request_waits_for_the_slowest_of_its_limits_and_counts_as_waiting() {
        let (one, other) = (limit(0, 9, Some(1), false), limit(1, 9, Some(0), false));
        let asked = asked(&[&one, &other]);
        let now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..3 {
            match asked.ask(
                &samples::request(Method::GET),
                &mut Counted::default(),
                now,
                |_| {},
            ) {
                Outcome::Wait(wait, waiting) => waits.push((wait.as_secs(), waiting)),
                _ => assert!(waits.is_empty()),
            }
        }
        let times: Vec<_> = waits.iter().map(|(wait, _)| *wait).collect();
        assert_eq!((times, other.counters.waiting.value()), (vec![1, 2], 2));
        drop(waits);
        assert_eq!(other.counters.waiting.value(), 0);
    }

    #[test]
    fn a_request_that_comes_round_again_is_not_asked_twice() {
        let limit = limit(0, 1, None, false);
        let asked = asked(&[&limit]);
        let mut counted = Counted::default();
        for _ in 0..3 {
            let outcome = asked.ask(
                &samples::request(Method::GET),
                &mut counted,
                Instant::now(),
                |_| {},
            );
            assert!(matches!(outcome, Outcome::Pass));
        }
        assert_eq!(limit.counters.passed.value(), 1);
    }
}
