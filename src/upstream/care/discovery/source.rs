//! What one name stands for, by everything heard about it so far.

use std::time::Duration;

use tokio::time::Instant;

use super::members::members;
use crate::transport::Query;
use crate::transport::resolve::{ResolveError, ResolverAnswer};
use crate::upstream::model::config::EndpointConfig;

/// The endpoints of a name.
#[derive(Debug)]
pub(super) struct Source {
    template: EndpointConfig<Query>,
    endpoints: Vec<EndpointConfig>,
    /// Since when the DNS says so.
    gone: Option<Instant>,
}

/// What an answer, or its absence, changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing.
    Same,
    /// There are other endpoints.
    Changed,
    /// There are none any more.
    Gone,
}

impl Source {
    /// A name nothing is known of.
    pub(super) fn new(template: EndpointConfig<Query>) -> Self {
        Self {
            template,
            endpoints: Vec::new(),
            gone: None,
        }
    }

    /// What to ask.
    pub(super) fn query(&self) -> &Query {
        &self.template.address
    }

    /// The endpoints to use now.
    pub(super) fn endpoints(&self) -> &[EndpointConfig] {
        &self.endpoints
    }

    /// Draws the consequences of an answer.
    ///
    /// A failure says nothing about the endpoints: they stay for as long as it takes. "There are none" may be a name
    /// server that is starting, or an orchestrator between two containers: they stay for a while, since endpoints
    /// that do not answer do no more harm than none; `keep` says how long.
    pub(super) fn hear(
        &mut self,
        heard: &Result<ResolverAnswer, ResolveError>,
        keep: Duration,
        now: Instant,
    ) -> News {
        let endpoints = match heard {
            Ok(answer) => {
                self.gone = None;
                members(&self.template, &answer.found)
            }
            Err(ResolveError::Nothing) if !self.is_kept(keep, now) => Vec::new(),
            Err(_) => return News::Same,
        };
        if endpoints == self.endpoints {
            return News::Same;
        }
        self.endpoints = endpoints;
        match self.endpoints.is_empty() {
            true => News::Gone,
            false => News::Changed,
        }
    }

    fn is_kept(&mut self, keep: Duration, now: Instant) -> bool {
        now < *self.gone.get_or_insert(now) + keep
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::transport::resolve::Found;

    const KEEP: Duration = Duration::from_secs(30);

    fn source() -> Source {
        Source::new(EndpointConfig::new("dns:app:9000".parse().unwrap()))
    }

    fn answer(last: &[u8]) -> Result<ResolverAnswer, ResolveError> {
        let place = |last: &u8| Found {
            priority: 0,
            address: SocketAddr::from(([10, 0, 0, *last], 9000)),
            weight: 0,
        };
        Ok(ResolverAnswer {
            found: last.iter().map(place).collect(),
            valid_for: Duration::from_secs(5),
            left_out: 0,
        })
    }

    fn names(source: &Source) -> Vec<String> {
        let endpoints = source.endpoints().iter();
        endpoints.map(|endpoint| endpoint.address.to_string()).collect()
    }

    #[test]
    fn answers_are_followed() {
        let (mut source, now) = (source(), Instant::now());
        assert_eq!(source.hear(&answer(&[1]), KEEP, now), News::Changed);
        assert_eq!(source.hear(&answer(&[1]), KEEP, now), News::Same);
        assert_eq!(source.hear(&answer(&[1, 2]), KEEP, now), News::Changed);
        assert_eq!(source.hear(&answer(&[2]), KEEP, now), News::Changed);
        assert_eq!(names(&source), ["10.0.0.2:9000"]);
    }

    #[test]
    fn the_last_good_answer_outlives_every_failure() {
        let (mut source, start) = (source(), Instant::now());
        source.hear(&answer(&[1]), KEEP, start);
        for hours in 0..100 {
            let now = start + Duration::from_secs(3600 * hours);
            assert_eq!(source.hear(&Err(ResolveError::Timeout), KEEP, now), News::Same);
        }
        assert_eq!(names(&source), ["10.0.0.1:9000"]);
    }

    #[test]
    fn endpoints_that_the_dns_denies_stay_for_a_while() {
        let (mut source, start) = (source(), Instant::now());
        source.hear(&answer(&[1]), KEEP, start);
        for seconds in 0..30 {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(source.hear(&Err(ResolveError::Nothing), KEEP, now), News::Same);
        }
        assert_eq!(
            source.hear(&Err(ResolveError::Nothing), KEEP, start + KEEP),
            News::Gone
        );
        assert_eq!(
            source.hear(&Err(ResolveError::Nothing), KEEP, start + 2 * KEEP),
            News::Same
        );
        assert_eq!(source.hear(&answer(&[2]), KEEP, start + 2 * KEEP), News::Changed);
        assert_eq!(names(&source), ["10.0.0.2:9000"]);
    }

    #[test]
    fn each_denial_starts_a_while_of_its_own() {
        let (mut source, start) = (source(), Instant::now());
        source.hear(&answer(&[1]), KEEP, start);
        source.hear(&Err(ResolveError::Nothing), KEEP, start);
        source.hear(&answer(&[1]), KEEP, start + KEEP / 2);
        assert_eq!(
            source.hear(&Err(ResolveError::Nothing), KEEP, start + KEEP),
            News::Same
        );
    }
}
