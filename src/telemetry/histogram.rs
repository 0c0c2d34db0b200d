//! How long things took, in buckets that are fixed: counted without a lock, merged by whoever reads them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Times that were observed. May be changed by any thread; the numbers order nothing and are not a consistent picture
/// together.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and the last for what is above them all.
    counts: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
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
    /// Counts one time.
    pub fn observe(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The numbers now.
    pub fn distribution(&self) -> Distribution {
        Distribution {
            counts: std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed)),
            sum: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
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
        BOUNDS
            .iter()
            .map(|bound| Duration::from_micros(*bound))
            .zip(below)
    }
}

/// Microseconds, from what a small script takes to the usual deadlines.
pub const BOUNDS: [u64; 15] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000, 60_000_000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_every_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 1_000, 1_001, 59_999_999, 60_000_001, 1 << 40] {
            histogram.observe(Duration::from_micros(micros));
        }
        let distribution = histogram.distribution();
        let cumulative: Vec<_> = distribution.cumulative().map(|(_, count)| count).collect();
        assert_eq!(cumulative[..3], [2, 3, 3]);
        assert_eq!(cumulative[BOUNDS.len() - 2..], [3, 4]);
        assert_eq!(distribution.count(), 6);
        assert!(distribution.sum > Duration::from_micros(1 << 40));
    }

    #[test]
    fn bounds_rise() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
    }
}
