//! What an upstream has done so far, as numbers. How long it took is told by its routes.

use crate::telemetry::counters::Counter;
use crate::upstream::model::Trace;

/// Numbers of one upstream.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests that got no answer from any endpoint.
    pub failures: Counter,
    /// Further endpoints and connections that were tried for a request.
    pub repeats: Counter,
}

impl Tally {
    /// Counts a request that is over, as far as its head goes. Nothing for those that went well at once.
    pub(in crate::upstream) fn count(&self, trace: &Trace) {
        if trace.status.is_none() {
            self.failures.add(1);
        }
        if trace.attempts > 1 {
            self.repeats.add(u64::from(trace.attempts) - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn counted(attempts: u32, status: Option<u16>) -> (u64, u64) {
        let tally = Tally::default();
        tally.count(&Trace {
            attempts,
            status,
            ..Trace::new(Instant::now())
        });
        (tally.failures.value(), tally.repeats.value())
    }

    #[test]
    fn a_request_that_went_well_at_once_is_not_counted() {
        assert_eq!(counted(1, Some(200)), (0, 0));
    }

    #[test]
    fn repeats_and_failures_are_counted() {
        assert_eq!(counted(3, None), (1, 2));
        assert_eq!(counted(2, Some(500)), (0, 1));
        assert_eq!(counted(0, None), (1, 0));
    }
}
