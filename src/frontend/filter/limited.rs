//! Which requests of a route are too many.

use std::time::Duration;

use tokio::time::sleep_until;

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::limits::{Asked, Kind, Outcome, Refused};
use crate::frontend::rejection::Rejection;
use crate::protocol::RequestHead;

/// Holds requests to the limits that their route names.
pub(super) struct Limited(Asked);

impl Limited {
    /// Nothing without a limit.
    pub(super) fn new(limits: Option<Asked>) -> Option<Self> {
        limits.map(Self)
    }
}

impl Filter for Limited {
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        if exchange.request.vouched {
            return Ok(None);
        }
        exchange.client();
        let now = exchange.asked_at();
        let (head, counted) = exchange.counting();
        let outcome = self.0.ask(head, counted, now.into_std(), |would| {
            tell(&would, head, "request would be limited");
        });
        match outcome {
            Outcome::Pass => Ok(None),
            Outcome::Wait(wait, waiting) => Ok(Some(Flow::Wait(Box::pin(async move {
                sleep_until(now + wait).await;
                drop(waiting);
                Ok(())
            })))),
            Outcome::Refuse(refused) => {
                tell(&refused, head, "request limited");
                let (status, after) = (refused.limit.status, seconds(refused.after));
                Err(match refused.kind {
                    Kind::Rate => Rejection::RateLimited(status, after),
                    Kind::Concurrent => Rejection::TooManyAtOnce(status, after),
                })
            }
        }
    }
}

/// One line of the error log, which `fail2ban` reads: nothing of the client's stands in front of its address.
#[cold]
fn tell(refused: &Refused<'_>, head: &RequestHead, message: &'static str) {
    if !refused.tell {
        return;
    }
    let limit = &*refused.limit.name;
    let kind = match refused.kind {
        Kind::Rate => "rate",
        Kind::Concurrent => "concurrent",
    };
    let client = head
        .client
        .remote
        .as_ref()
        .map(|peer| peer.address.ip().to_canonical());
    let client = client.as_ref().map(tracing::field::display);
    let id = head.id;
    tracing::warn!(client, limit, kind, request = %id, "{message}");
}

/// Whole seconds, rounded up: a client that comes back too early is refused again.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_not_told_to_come_back_too_early() {
        for (millis, expected) in [(1, 1), (1000, 1), (1001, 2), (59_000, 59)] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
    }
}
