//! Keeps the endpoints of an upstream what the DNS says they are.
//!
//! One task for each name. It asks when the last answer grows old, sooner when one of
//! the endpoints could not be reached, and again and again while there is no answer. Requests do not wait for it,
//! unless there is no endpoint yet.

mod members;
mod schedule;
mod source;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::membership::Membership;
use crate::transport::resolve::{MAX_FOUND, ResolveError, ResolverAnswer};
use crate::transport::{Query, Resolver};
use crate::upstream::attempt::Upstream;
use crate::upstream::model::config::EndpointConfig;
use schedule::LookupSchedule;
use source::{News, Source};

/// A name in the DNS that stands for endpoints of an upstream.
pub(super) struct Name {
    upstream: Arc<str>,
    resolver: Arc<Resolver>,
    source: Source,
    schedule: LookupSchedule,
    suspected: Arc<Notify>,
    /// The last question was not answered.
    failing: bool,
}

impl Membership for Name {
    async fn next(&mut self) -> Vec<EndpointConfig> {
        loop {
            tokio::select! {
                () = sleep_until(self.schedule.due()) => {}
                () = self.suspected.notified() => {
                    self.schedule.hurry(Instant::now());
                    continue;
                }
            }
            if self.ask().await != News::Same {
                return self.source.endpoints().to_vec();
            }
        }
    }
}

impl Name {
    /// The name that a template stands at, for an upstream.
    pub(super) fn new(
        upstream: &Upstream,
        resolver: &Arc<Resolver>,
        template: EndpointConfig<Query>,
    ) -> Self {
        Self {
            upstream: upstream.name().clone(),
            resolver: resolver.clone(),
            source: Source::new(template),
            schedule: LookupSchedule::new(fastrand::u64(..), Instant::now()),
            suspected: upstream.suspected().clone(),
            failing: false,
        }
    }

    async fn ask(&mut self) -> News {
        self.schedule.asked(Instant::now());
        let heard = self.resolver.resolve(self.source.query()).await;
        let now = Instant::now();
        match &heard {
            Ok(answer) => self.schedule.answered(answer.valid_for, now),
            Err(_) => self.schedule.failed(now),
        }
        let news = self.source.hear(&heard, self.resolver.config().keep, now);
        tell(&self.upstream, &self.source, news, &heard, self.failing);
        self.failing = heard.is_err();
        news
    }
}

/// Logs what an operator wants to know, once.
fn tell(
    upstream: &str,
    source: &Source,
    news: News,
    heard: &Result<ResolverAnswer, ResolveError>,
    failing: bool,
) {
    let name = source.query();
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
    if let (News::Changed, Ok(ResolverAnswer { left_out: 1.., .. })) = (news, heard) {
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
