//! Keeps the endpoints of an upstream what the DNS says they are.
//!
//! One task for each name, which ends with the upstream. It asks when the last answer grows old, sooner when one of
//! the endpoints could not be reached, and again and again while there is no answer. Requests do not wait for it,
//! unless there is no endpoint yet.

mod members;
mod schedule;
mod source;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::transport::Resolver;
use crate::transport::resolve::{Answer, MAX_FOUND, ResolveError};
use crate::upstream::attempt::Upstream;
use crate::upstream::model::config::EndpointConfig;
use schedule::LookupSchedule;
use source::{News, Source};

/// The endpoints of every name, and those that need none.
struct Board {
    fixed: Vec<EndpointConfig>,
    found: Mutex<Vec<Vec<EndpointConfig>>>,
}

/// Follows the names of an upstream until it is gone. To be called inside a tokio runtime.
pub(super) fn start(upstream: &Arc<Upstream>, resolver: &Arc<Resolver>) {
    let config = upstream.config();
    let board = Arc::new(Board {
        fixed: config.endpoints.clone(),
        found: Mutex::new(vec![Vec::new(); config.sources.len()]),
    });
    for (at, template) in config.sources.iter().enumerate() {
        let follower = Follower {
            upstream: Arc::downgrade(upstream),
            resolver: resolver.clone(),
            board: board.clone(),
            at,
            source: Source::new(template.clone()),
            suspected: upstream.suspected().clone(),
        };
        let mut changes = upstream.changes();
        tokio::spawn(async move {
            tokio::select! {
                () = follow(follower) => {}
                // Closed: the upstream is gone, in the middle of a question, too.
                () = async { while changes.changed().await.is_ok() {} } => {}
            }
        });
    }
}

impl Board {
    /// Puts down what the name at this index stands for.
    fn post(&self, at: usize, endpoints: &[EndpointConfig], upstream: &Upstream) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found[at] = endpoints.to_vec();
        // Under the lock: the last one to post knows all.
        upstream.set_endpoints(&self.all(&found));
    }

    /// Every endpoint, each address once: slots are counted by it.
    fn all(&self, found: &[Vec<EndpointConfig>]) -> Vec<EndpointConfig> {
        let mut all = self.fixed.clone();
        for endpoint in found.iter().flatten() {
            if all.iter().all(|other| other.address != endpoint.address) {
                all.push(endpoint.clone());
            }
        }
        all
    }
}

/// What a task needs.
struct Follower {
    upstream: Weak<Upstream>,
    resolver: Arc<Resolver>,
    board: Arc<Board>,
    /// Which of the upstream's names it follows.
    at: usize,
    source: Source,
    suspected: Arc<Notify>,
}

async fn follow(mut follower: Follower) {
    let mut schedule = LookupSchedule::new(fastrand::u64(..), Instant::now());
    let mut failing = false;
    loop {
        tokio::select! {
            () = sleep_until(schedule.due()) => {}
            () = follower.suspected.notified() => {
                schedule.hurry(Instant::now());
                continue;
            }
        }
        schedule.asked(Instant::now());
        let heard = follower.resolver.resolve(follower.source.query()).await;
        let Some(upstream) = follower.upstream.upgrade() else {
            return;
        };
        let now = Instant::now();
        match &heard {
            Ok(answer) => schedule.answered(answer.valid_for, now),
            Err(_) => schedule.failed(now),
        }
        let news = follower.source.hear(&heard, follower.resolver.config().keep, now);
        if news != News::Same {
            follower
                .board
                .post(follower.at, follower.source.endpoints(), &upstream);
        }
        tell(&upstream, &follower.source, news, &heard, failing);
        failing = heard.is_err();
    }
}

/// Logs what an operator wants to know, once.
fn tell(
    upstream: &Upstream,
    source: &Source,
    news: News,
    heard: &Result<Answer, ResolveError>,
    failing: bool,
) {
    let (upstream, name) = (&**upstream.name(), source.query());
    match (news, heard) {
        (News::Changed, _) => {
            tracing::info!(upstream, %name, endpoints = names(source.endpoints()), "endpoints found");
        }
        (News::Gone, _) => tracing::warn!(upstream, %name, "the DNS has no endpoints any more"),
        (News::Same, Err(error)) if !failing => {
            let kept = source.endpoints().len();
            tracing::warn!(upstream, %name, %error, kept, "cannot resolve the name; the last endpoints stay");
        }
        (News::Same, Err(error)) => tracing::debug!(upstream, %name, %error, "cannot resolve the name"),
        (News::Same, Ok(_)) if failing => tracing::info!(upstream, %name, "the name resolves again"),
        (News::Same, Ok(_)) => {}
    }
    if let (News::Changed, Ok(Answer { left_out: 1.., .. })) = (news, heard) {
        tracing::warn!(upstream, %name, "only the first {MAX_FOUND} places are used");
    }
}

/// The addresses, or the first of them.
fn names(endpoints: &[EndpointConfig]) -> String {
    let first = endpoints.iter().take(MOST_NAMES);
    let mut names: Vec<_> = first.map(|endpoint| endpoint.address.to_string()).collect();
    if let more @ 1.. = endpoints.len().saturating_sub(MOST_NAMES) {
        names.push(format!("and {more} more"));
    }
    names.join(" ")
}

/// Addresses that are logged.
const MOST_NAMES: usize = 8;

#[cfg(test)]
mod simulation;
