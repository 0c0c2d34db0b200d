//! What an upstream has done so far, as numbers. How long it took is told by its routes.

use crate::telemetry::counters::Counter;
use crate::upstream::model::Trace;
use crate::upstream::model::error::Blame;

/// Numbers of one upstream.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests that got no answer from any endpoint, although their clients did their part.
    pub failures: Counter,
    /// Further endpoints and connections that were tried for a request.
    pub repeats: Counter,
}

impl Tally {
    /// Counts a request that is over, as far as its head goes; `failed`: what is to blame that there is none. Nothing
    /// for those that went well at once.
    pub(in crate::upstream) fn count(&self, trace: &Trace, failed: Option<Blame>) {
        if failed.is_some_and(|blame| blame != Blame::Client) {
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

    fn counted(attempts: u32, failed: Option<Blame>) -> (u64, u64) {
        let tally = Tally::default();
        let trace = Trace {
            attempts,
            ..Trace::new(Instant::now())
        };
        tally.count(&trace, failed);
        (tally.failures.value(), tally.repeats.value())
    }

    #[test]
    fn a_request_that_went_well_at_once_is_not_counted() {
        assert_eq!(counted(1, None), (0, 0));
    }

    #[test]
    fn repeats_and_failures_are_counted() {
        assert_eq!(counted(3, Some(Blame::Endpoint)), (1, 2));
        assert_eq!(counted(2, None), (0, 1));
        assert_eq!(counted(0, Some(Blame::Other)), (1, 0));
    }

    #[test]
    fn the_faults_of_clients_are_no_failures_of_the_upstream() {
        assert_eq!(counted(2, Some(Blame::Client)), (0, 1));
    }
}
