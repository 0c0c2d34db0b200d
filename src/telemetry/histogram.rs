//! How long things took, in buckets that are fixed: counted without a lock, merged when they are read.

use std::iter::Sum;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Times that were observed. May be changed by any thread; the numbers order nothing and are not a consistent picture
/// together.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and the last for what is above them all.
    counts: [AtomicU64; BOUNDS.len() + 1],
    /// All times together; good for 584 years.
    nanos: AtomicU64,
}

/// What a [`Histogram`] said at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// As many as there are [`BOUNDS`], and one.
    counts: [u64; BOUNDS.len() + 1],
    /// All times together.
    pub sum: Duration,
}

impl Histogram {
    /// Counts one time, in nanoseconds.
    pub fn observe(&self, nanos: u64) {
        let bucket = BOUNDS.partition_point(|bound| *bound < nanos);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// The numbers now.
    pub fn distribution(&self) -> Distribution {
        Distribution {
            counts: std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed)),
            sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}

impl Distribution {
    /// Times that were observed.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// For each bound, how many times were not above it. All of them are counted in [`count`](Self::count).
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let below = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        BOUNDS.iter().map(|bound| Duration::from_nanos(*bound)).zip(below)
    }
}

/// Nanoseconds, from what a small script takes to the usual deadlines.
pub const BOUNDS: [u64; 15] = {
    let mut bounds = [
        1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000, 30_000_000, 60_000_000,
    ];
    let mut at = 0;
    while at < bounds.len() {
        bounds[at] *= NANOS_IN_MICRO;
        at += 1;
    }
    bounds
};

const NANOS_IN_MICRO: u64 = 1000;

/// Of several histograms together.
impl Sum for Distribution {
    fn sum<I: Iterator<Item = Self>>(distributions: I) -> Self {
        distributions.fold(Self::default(), |sum, more| Self {
            counts: std::array::from_fn(|at| sum.counts[at] + more.counts[at]),
            sum: sum.sum + more.sum,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_every_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 1_000, 1_001, 59_999_999, 60_000_001, 1 << 40] {
            histogram.observe(micros * NANOS_IN_MICRO);
        }
        let distribution = histogram.distribution();
        let cumulative: Vec<_> = distribution.cumulative().map(|(_, count)| count).collect();
        assert_eq!(cumulative[..3], [2, 3, 3]);
        assert_eq!(cumulative[BOUNDS.len() - 2..], [3, 4]);
        assert_eq!(distribution.count(), 6);
        assert!(distribution.sum > Duration::from_micros(1 << 40));
    }

    #[test]
    fn several_are_added_up() {
        let [one, other] = [Histogram::default(), Histogram::default()];
        one.observe(1);
        other.observe(2);
        other.observe(u64::MAX / 2);
        let sum: Distribution = [one.distribution(), other.distribution()].into_iter().sum();
        assert_eq!(
            (sum.count(), sum.sum),
            (3, Duration::from_nanos(u64::MAX / 2 + 3))
        );
        assert_eq!(sum.cumulative().next(), Some((Duration::from_millis(1), 2)));
    }

    #[test]
    fn bounds_rise() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
    }
}
