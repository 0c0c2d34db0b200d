//! What an upstream has done so far, as numbers.

use crate::telemetry::Histogram;
use crate::telemetry::counters::Counter;
use crate::upstream::model::Trace;

/// Numbers of one upstream.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests that got no answer from any endpoint.
    pub failures: Counter,
    /// Further endpoints and connections that were tried for a request.
    pub repeats: Counter,
    /// Waits in the queue, of the requests that had to.
    pub queue: Histogram,
    /// From the slot to the head of the answer.
    pub head: Histogram,
}

impl Tally {
    /// Counts a request that is over, as far as its head goes. Little for those that went well at once.
    pub(in crate::upstream) fn count(&self, trace: &Trace) {
        match trace.head {
            Some(time) => self.head.observe(time),
            None => self.failures.add(1),
        }
        if trace.attempts > 1 {
            self.repeats.add(u64::from(trace.attempts) - 1);
        }
        if !trace.queue.is_zero() {
            self.queue.observe(trace.queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_request_that_went_well_at_once_is_one_head() {
        let tally = Tally::default();
        tally.count(&Trace {
            attempts: 1,
            head: Some(Duration::from_millis(3)),
            ..Trace::default()
        });
        assert_eq!(tally.head.distribution().count(), 1);
        assert_eq!(tally.queue.distribution().count(), 0);
        assert_eq!((tally.failures.value(), tally.repeats.value()), (0, 0));
    }

    #[test]
    fn waits_repeats_and_failures_are_counted() {
        let tally = Tally::default();
        tally.count(&Trace {
            attempts: 3,
            queue: Duration::from_secs(1),
            ..Trace::default()
        });
        assert_eq!(tally.queue.distribution().sum, Duration::from_secs(1));
        assert_eq!((tally.failures.value(), tally.repeats.value()), (1, 2));
    }
}
