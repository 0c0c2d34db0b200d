//! Ordinary requests beside the clients of a case, compared with those without them.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::damage::Phases;
use super::sample::Sample;
use super::tally::percentile;

/// The p99 of ordinary requests in both phases.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    phases: &'a Phases,
    with: Duration,
    without: Duration,
}

impl<'a> Comparison<'a> {
    /// Of the right answers to the ordinary load, those that were due in either phase.
    pub(crate) fn of(phases: &'a Phases, ordinary: &[Sample]) -> Self {
        let p99 = |ranges: &[Range<Instant>]| {
            percentile(ordinary, 0.99, |sample| {
                ranges.iter().any(|range| range.contains(&sample.due))
            })
        };
        Self {
            phases,
            with: p99(&phases.with),
            without: p99(&phases.without),
        }
    }

    /// What was demanded of the ratio and is not so.
    pub(crate) fn violation(&self) -> Option<String> {
        let most = self.phases.most?;
        let is_kept = self.ratio().is_some_and(|ratio| ratio <= most);
        (!is_kept).then(|| format!("{self}; at most {most} times may be"))
    }

    /// Nothing where a phase has no right answer.
    fn ratio(&self) -> Option<f64> {
        let has_both = !self.with.is_zero() && !self.without.is_zero();
        has_both.then(|| self.with.as_secs_f64() / self.without.as_secs_f64())
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Phases { kind, more, .. } = self.phases;
        let kind = if kind.is_empty() { "these clients" } else { kind };
        let Some(ratio) = self.ratio() else {
            return write!(
                formatter,
                "ordinary p99 with {kind}: too few right answers to compare{more}"
            );
        };
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        write!(
            formatter,
            "ordinary p99 with {kind} {:.1} ms, without {:.1} ms: {ratio:.2} times{more}",
            milliseconds(self.with),
            milliseconds(self.without),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::sample::Outcome;

    const SECOND: Duration = Duration::from_secs(1);

    /// Ten ordinary requests in the first second, without, and ten in the next, with the clients.
    fn ordinary(start: Instant, without: u64, with: u64) -> Vec<Sample> {
        let sample = |place: u32| Sample {
            id: place.to_string(),
            posts: false,
            due: start + SECOND * place / 10,
            latency: Duration::from_millis(if place < 10 { without } else { with }),
            outcome: Outcome::Right,
        };
        (0..20).map(sample).collect()
    }

    fn phases(start: Instant, most: Option<f64>) -> Phases {
        Phases {
            kind: "a flood",
            most,
            without: vec![start..start + SECOND],
            with: vec![start + SECOND..start + 2 * SECOND],
            ..Phases::default()
        }
    }

    #[test]
    fn a_ratio_above_its_bound_is_a_violation() {
        let start = Instant::now();
        let phases = phases(start, Some(1.5));
        let violation = |with| Comparison::of(&phases, &ordinary(start, 10, with)).violation();
        assert_eq!(violation(15), None);
        assert_eq!(
            violation(16).as_deref(),
            Some("ordinary p99 with a flood 16.0 ms, without 10.0 ms: 1.60 times; at most 1.5 times may be")
        );
    }

    #[test]
    fn a_phase_without_right_answers_is_a_violation_where_a_bound_is() {
        let start = Instant::now();
        let alone = &ordinary(start, 10, 10)[..10];
        let bounded = phases(start, Some(1.5));
        let violation = Comparison::of(&bounded, alone).violation();
        assert!(violation.is_some_and(|words| words.contains("too few right answers")));
        let free = phases(start, None);
        assert_eq!(Comparison::of(&free, alone).violation(), None);
    }
}
