//! What one configuration is made into; a reload makes the next one out of it.

use std::sync::Arc;

use anyhow::Result;

use crate::config::Config;
use crate::frontend::{self, ExchangeContext, Route, Service};
use crate::spool::Spools;
use crate::telemetry::{AccessLog, Counters};
use crate::transport::{Address, Obstacle, Resolver};
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
    /// The first one.
    pub(super) fn first(config: Config, access: &Arc<AccessLog>, counters: &Arc<Counters>) -> Result<Self> {
        let spools = Spools::new(config.server.spool.clone());
        let relays = Relays::new(spools, counters.clone());
        let resolver = Arc::new(Resolver::new(config.server.resolver.clone()));
        Self::make(config, &[], (relays, resolver), access, counters)
    }

    /// The next one. Upstreams that the new configuration has with the same settings go on as they are, with their
    /// connections, their queues and their counters.
    pub(super) fn next(
        &self,
        config: Config,
        access: &Arc<AccessLog>,
        counters: &Arc<Counters>,
    ) -> Result<Self> {
        let spool = &config.server.spool;
        let relays = if spool.temp_dir == self.config.server.spool.temp_dir {
            // With what is under way, which counts.
            self.relays.clone()
        } else {
            self.relays.with(Spools::new(spool.clone()))
        };
        let shared = (relays, self.resolver.clone());
        Self::make(config, &self.upstreams, shared, access, counters)
    }

    fn make(
        config: Config,
        before: &[Arc<Upstream>],
        (relays, resolver): (Relays, Arc<Resolver>),
        access: &Arc<AccessLog>,
        counters: &Arc<Counters>,
    ) -> Result<Self> {
        let upstreams: Vec<_> = config
            .upstreams
            .iter()
            .map(|config| kept(config, before).unwrap_or_else(|| begin(config, &resolver)))
            .collect();
        let service = service(
            &config.frontend,
            &upstreams,
            relays.clone(),
            access.clone(),
            counters.clone(),
        )?;
        Ok(Self {
            config,
            upstreams,
            service,
            relays,
            resolver,
        })
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
    if config.warn_unreachable {
        warn_of_obstacles(&upstream);
    }
    upstream::care::start(&upstream, resolver);
    upstream
}

/// A wrong group or a missing directory is better told now than with the first request. An application may well
/// start after us: nothing more than a warning, and not even that where `warn_unreachable` is off.
fn warn_of_obstacles(upstream: &Upstream) {
    for endpoint in upstream.endpoints() {
        if let Address::Unix(path) = &endpoint.config.address
            && let Some(obstacle) = Obstacle::find(path)
        {
            tracing::warn!(upstream = %upstream.name(), %obstacle, "endpoint cannot be reached yet");
        }
    }
}

fn service(
    config: &frontend::Config,
    upstreams: &[Arc<Upstream>],
    relays: Relays,
    access: Arc<AccessLog>,
    counters: Arc<Counters>,
) -> Result<Arc<Service>> {
    let routes = config
        .routes
        .iter()
        .map(|route| Route::open(route.clone(), upstreams));
    let routes = routes.collect::<Result<Vec<_>, _>>()?;
    let context = ExchangeContext {
        trusted_proxies: config.trusted_proxies.clone(),
        relays,
        log: access,
        counters,
    };
    Ok(Arc::new(Service::new(config.clone(), routes, context)))
}
