//! The figures of one case.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ledger::Ledger;
use super::sample::{Outcome, Sample};

/// How many requests ended how.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Requests.
    pub(crate) sent: usize,
    /// Right answers.
    pub(crate) right: usize,
    /// Refusals by reason word, where the request could have been sent again, or had never been sent.
    pub(crate) repeatable: Words,
    /// Refusals of POSTs that a worker may have executed.
    pub(crate) executed: Words,
    /// Refusals because a deadline passed: the work may still be running.
    pub(crate) timed_out: Words,
    /// Answers that look complete and are wrong.
    pub(crate) wrong: usize,
    /// Answers that broke off so that the client can see it.
    pub(crate) cut: usize,
    /// Requests without any answer.
    pub(crate) lost: usize,
    /// Executions of a POST beyond its first.
    pub(crate) duplicates: usize,
    /// POSTs that were answered as if executed and were not.
    pub(crate) unexecuted: usize,
    /// Of right answers to the ordinary load: median, and what one in a hundred exceeds.
    pub(crate) p50: Duration,
    /// See there.
    pub(crate) p99: Duration,
}

/// Reason words and how often each was said.
pub(crate) type Words = BTreeMap<String, usize>;

impl Tally {
    /// Counts the ordinary load, and besides it what other clients got.
    pub(crate) fn of(ordinary: &[Sample], besides: &[Sample], ledger: &Ledger) -> Self {
        let mut tally = Self {
            duplicates: ledger.duplicates(),
            p50: percentile(ordinary, 0.5, |_| true),
            p99: percentile(ordinary, 0.99, |_| true),
            ..Self::default()
        };
        for sample in ordinary.iter().chain(besides) {
            tally.add(sample, ledger);
        }
        tally
    }

    fn add(&mut self, sample: &Sample, ledger: &Ledger) {
        self.sent += 1;
        match &sample.outcome {
            Outcome::Right => {
                self.right += 1;
                self.unexecuted += usize::from(sample.posts && ledger.executions(&sample.id) == 0);
            }
            Outcome::Wrong(_) => self.wrong += 1,
            Outcome::Cut => self.cut += 1,
            Outcome::Lost(_) => self.lost += 1,
            Outcome::Refused(reason) => {
                let words = match Refusal::of(sample.posts, reason) {
                    Refusal::Repeatable => &mut self.repeatable,
                    Refusal::Executed => &mut self.executed,
                    Refusal::TimedOut => &mut self.timed_out,
                };
                *words.entry(reason.clone()).or_insert(0) += 1;
            }
        }
    }
}

/// What a refusal says about the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It was idempotent, or nothing of it had been sent.
    Repeatable,
    /// A POST that had been sent.
    Executed,
    /// Any request whose deadline passed: "timeouts are not repeated".
    TimedOut,
}

impl Refusal {
    /// By the table of failures. A word that is not known here counts as one that could have been avoided.
    pub(crate) fn of(posts: bool, reason: &str) -> Self {
        match reason {
            "head_timeout" | "read_timeout" | "send_timeout" => Self::TimedOut,
            "backend_closed" | "bad_response" | "bad_response_head" | "response_truncated" if posts => {
                Self::Executed
            }
            _ => Self::Repeatable,
        }
    }
}

/// Of the latencies of right answers; zero when there are none.
pub(crate) fn percentile(samples: &[Sample], part: f64, wanted: impl Fn(&Sample) -> bool) -> Duration {
    let right = samples
        .iter()
        .filter(|sample| sample.outcome == Outcome::Right && wanted(sample));
    let mut latencies: Vec<Duration> = right.map(|sample| sample.latency).collect();
    latencies.sort_unstable();
    let index = (latencies.len() as f64 * part) as usize;
    latencies
        .get(index.min(latencies.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn sample(posts: bool, milliseconds: u64, outcome: Outcome) -> Sample {
        Sample {
            id: format!("{posts}-{milliseconds}"),
            posts,
            due: Instant::now(),
            latency: Duration::from_millis(milliseconds),
            outcome,
        }
    }

    #[test]
    fn refusals_are_told_apart_by_what_may_have_happened() {
        let refused = |reason: &str| Outcome::Refused(reason.to_owned());
        let samples = [
            sample(false, 1, refused("backend_closed")),
            sample(true, 1, refused("backend_closed")),
            sample(true, 1, refused("connect_refused")),
            sample(false, 1, refused("head_timeout")),
            sample(true, 1, refused("never_heard_of")),
        ];
        let tally = Tally::of(&samples, &[], &Ledger::default());
        assert_eq!(tally.repeatable.values().sum::<usize>(), 3);
        assert_eq!(tally.executed["backend_closed"], 1);
        assert_eq!(tally.timed_out["head_timeout"], 1);
    }

    #[test]
    fn a_right_answer_without_an_execution_is_noticed() {
        let samples = [sample(true, 1, Outcome::Right), sample(false, 1, Outcome::Right)];
        assert_eq!(Tally::of(&samples, &[], &Ledger::default()).unexecuted, 1);
    }

    #[test]
    fn percentiles_look_at_right_answers_of_the_ordinary_load() {
        let mut samples: Vec<Sample> = (1..=100).map(|ms| sample(false, ms, Outcome::Right)).collect();
        samples.push(sample(false, 5000, Outcome::Cut));
        let tally = Tally::of(
            &samples,
            &[sample(false, 9000, Outcome::Right)],
            &Ledger::default(),
        );
        assert_eq!(tally.p50, Duration::from_millis(51));
        assert_eq!(tally.p99, Duration::from_millis(100));
    }
}
