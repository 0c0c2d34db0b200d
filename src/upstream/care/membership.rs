//! Endpoints that come and go: what says so, and how it becomes the endpoints of an upstream.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::task::JoinSet;

use crate::upstream::attempt::Upstream;
use crate::upstream::model::config::EndpointConfig;

/// A source of endpoints: a name in the DNS, for instance.
pub trait Membership: Send + 'static {
    /// All its endpoints, as soon as they are others than it has given before.
    fn next(&mut self) -> impl Future<Output = Vec<EndpointConfig>> + Send;
}

/// The endpoints of all sources of an upstream, and those that need none.
pub(super) struct Members {
    upstream: Weak<Upstream>,
    fixed: Vec<EndpointConfig>,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    /// What each source has given; `None`: nothing yet.
    sources: Vec<Option<Vec<EndpointConfig>>>,
    /// Endpoints that an earlier configuration has found; until every source has given its own.
    carried: Vec<EndpointConfig>,
}

impl Members {
    /// Those of an upstream, which come from so many sources.
    pub(super) fn new(upstream: &Arc<Upstream>, sources: usize) -> Arc<Self> {
        let carried = upstream.endpoints();
        Arc::new(Self {
            upstream: Arc::downgrade(upstream),
            fixed: upstream.config().endpoints.clone(),
            found: Mutex::new(Found {
                sources: vec![None; sources],
                carried: carried.iter().map(|endpoint| endpoint.config.clone()).collect(),
            }),
        })
    }

    /// Takes what the source at this index gives, until the upstream is gone.
    pub(super) fn follow(self: &Arc<Self>, at: usize, mut source: impl Membership, tasks: &mut JoinSet<()>) {
        let members = self.clone();
        tasks.spawn(async move {
            loop {
                let endpoints = source.next().await;
                let Some(upstream) = members.upstream.upgrade() else {
                    return;
                };
                members.put(at, endpoints, &upstream);
            }
        });
    }

    fn put(&self, at: usize, endpoints: Vec<EndpointConfig>, upstream: &Upstream) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.sources[at] = Some(endpoints);
        if found.sources.iter().all(Option::is_some) {
            found.carried.clear();
        }
        // Under the lock: the last one knows all.
        upstream.set_endpoints(&found.all(&self.fixed));
    }
}

impl Found {
    /// Every endpoint, each address once: slots are counted by it.
    fn all(&self, fixed: &[EndpointConfig]) -> Vec<EndpointConfig> {
        let mut all = fixed.to_vec();
        let given = self.sources.iter().flatten().flatten();
        for endpoint in given.chain(&self.carried) {
            if all.iter().all(|other| other.address != endpoint.address) {
                all.push(endpoint.clone());
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(port: u16) -> EndpointConfig {
        EndpointConfig::new(format!("127.0.0.1:{port}").parse().unwrap())
    }

    #[test]
    fn what_was_found_before_stays_until_every_source_has_said_its_own() {
        let mut found = Found {
            sources: vec![None, None],
            carried: vec![endpoint(1), endpoint(2), endpoint(3)],
        };
        let fixed = [endpoint(1)];
        found.sources[0] = Some(vec![endpoint(2), endpoint(4)]);
        let ports: Vec<_> = [1, 2, 4, 3].map(endpoint).into();
        assert_eq!(found.all(&fixed), ports);
    }

    #[tokio::test]
    async fn a_source_that_has_given_nothing_takes_nothing_away() {
        let config = crate::upstream::admit::pool::tests::config(2, 1, 0, 1);
        let upstream = Arc::new(Upstream::new(config));
        let members = Members {
            fixed: Vec::new(),
            ..Arc::into_inner(Members::new(&upstream, 2)).unwrap()
        };
        members.put(0, vec![endpoint(9)], &upstream);
        assert_eq!(upstream.endpoints().len(), 3);
        members.put(1, Vec::new(), &upstream);
        assert_eq!(upstream.endpoints().len(), 1);
    }
}
