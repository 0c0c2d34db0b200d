//! What one configuration is made into; a reload makes the next one out of it.

use std::sync::Arc;

use crate::config::Config;
use crate::files::Root;
use crate::frontend::{Route, Service};
use crate::spool::Spools;
use crate::telemetry::{AccessLog, Counters};
use crate::transport::Resolver;
use crate::upstream::{self, Relays, Upstream};

/// A configuration and what serves it.
pub(super) struct Generation {
    pub(super) config: Config,
    pub(super) upstreams: Vec<Arc<Upstream>>,
    pub(super) service: Arc<Service>,
    pub(super) relays: Relays,
    /// The same for all generations: upstreams that stay go on asking it.
    resolver: Arc<Resolver>,
}

impl Generation {
    /// The first one; `roots` are those of its routes.
    pub(super) fn first(
        config: Config,
        roots: Vec<Option<Root>>,
        access: &Arc<AccessLog>,
        counters: &Arc<Counters>,
    ) -> Self {
        let spools = Spools::new(config.server.spool.clone());
        let relays = Relays::new(spools, counters.clone());
        let resolver = Arc::new(Resolver::new(config.server.resolver.clone()));
        Self::make((config, roots), &[], (relays, resolver), access, counters)
    }

    /// The next one. Upstreams that the new configuration has with the same settings go on as they are, with their
    /// connections, their queues and their counters.
    pub(super) fn next(
        &self,
        config: Config,
        roots: Vec<Option<Root>>,
        access: &Arc<AccessLog>,
        counters: &Arc<Counters>,
    ) -> Self {
        let spool = &config.server.spool;
        let relays = if spool.temp_dir == self.config.server.spool.temp_dir {
            // With what is under way, which counts.
            self.relays.clone()
        } else {
            self.relays.with(Spools::new(spool.clone()))
        };
        let shared = (relays, self.resolver.clone());
        Self::make((config, roots), &self.upstreams, shared, access, counters)
    }

    fn make(
        (config, roots): (Config, Vec<Option<Root>>),
        before: &[Arc<Upstream>],
        (relays, resolver): (Relays, Arc<Resolver>),
        access: &Arc<AccessLog>,
        counters: &Arc<Counters>,
    ) -> Self {
        let upstreams: Vec<_> = config
            .upstreams
            .iter()
            .map(|config| kept(config, before).unwrap_or_else(|| begin(config, &resolver)))
            .collect();
        let routes = config.frontend.routes.iter().zip(roots);
        let routes = routes.map(|(route, root)| Route::new(route.clone(), root, &upstreams));
        let service = Service::new(
            config.frontend.clone(),
            routes.collect(),
            relays.clone(),
            access.clone(),
            counters.clone(),
        );
        Self {
            config,
            upstreams,
            service: Arc::new(service),
            relays,
            resolver,
        }
    }

    /// What it shares with the one before is as it wants it: not until it is in force.
    pub(super) fn take_effect(&self) {
        self.relays.spools().limit(&self.config.server.spool);
        if self.resolver.set_config(&self.config.server.resolver) {
            for upstream in &self.upstreams {
                upstream.suspect_names();
            }
        }
    }

    /// Whether an upstream is in use.
    pub(super) fn has(&self, upstream: &Arc<Upstream>) -> bool {
        self.upstreams.iter().any(|ours| Arc::ptr_eq(ours, upstream))
    }
}

/// The upstream that has these settings already.
fn kept(config: &upstream::Config, before: &[Arc<Upstream>]) -> Option<Arc<Upstream>> {
    before
        .iter()
        .find(|upstream| upstream.config() == config)
        .cloned()
}

fn begin(config: &upstream::Config, resolver: &Arc<Resolver>) -> Arc<Upstream> {
    let upstream = Arc::new(Upstream::new(config.clone()));
    upstream::care::start(&upstream, resolver);
    upstream
}
