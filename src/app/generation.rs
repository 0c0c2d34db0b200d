//! What one configuration is made into; a reload makes the next one out of it.

use std::sync::Arc;

use super::children::{AppEndpoints, Places};
use super::logs::AccessLogs;
use super::tls::Tls;
use crate::config::Config;
use crate::files::Root;
use crate::frontend::limits::Limits;
use crate::frontend::{ExchangeContext, Route, Service};
use crate::spool::Spools;
use crate::telemetry::{Counters, SlowLog};
use crate::transport::{Connector, Resolver};
use crate::upstream::admit::Registry;
use crate::upstream::care::Care;
use crate::upstream::model::config::{EndpointConfig, EndpointSource};
use crate::upstream::{Relays, Upstream, UpstreamConfig};

/// A configuration and what serves it.
pub(super) struct Generation {
    pub(super) config: Config,
    pub(super) upstreams: Vec<Arc<Upstream>>,
    /// In the same order; `None` until the configuration is in force.
    care: Vec<Option<Arc<Care>>>,
    pub(super) service: Arc<Service>,
    limits: Limits,
    pub(super) relays: Relays,
    /// The same for all generations.
    shared: Shared,
}

/// What all generations have in common.
#[derive(Clone)]
struct Shared {
    /// Upstreams that stay go on asking it.
    resolver: Arc<Resolver>,
    /// The endpoints of all upstreams.
    registry: Arc<Registry>,
    /// All connections to them.
    connector: Connector,
}

impl Generation {
    /// The first one; `roots` are those of its routes. [`take_care`](Self::take_care) has to follow.
    pub(super) fn first(
        config: Config,
        roots: Vec<Option<Root>>,
        tls: &Tls,
        access: AccessLogs,
        counters: &Arc<Counters>,
    ) -> Self {
        let spools = Spools::new(config.server.spool.clone());
        let relays = Relays::new(spools, counters.clone());
        let shared = Shared {
            resolver: Arc::new(Resolver::new(config.server.resolver.clone())),
            registry: Arc::default(),
            connector: Connector::default(),
        };
        Self::make((config, roots), None, (relays, shared, tls), access, counters)
    }

    /// The next one. Upstreams that the new configuration has with the same settings go on as they are; those with
    /// others keep their connections, their queues and their counters.
    pub(super) fn next(
        &self,
        config: Config,
        roots: Vec<Option<Root>>,
        tls: &Tls,
        access: AccessLogs,
        counters: &Arc<Counters>,
    ) -> Self {
        let spool = &config.server.spool;
        let relays = if spool.temp_dir == self.config.server.spool.temp_dir {
            // With what is under way, which counts.
            self.relays.clone()
        } else {
            self.relays.with(Spools::new(spool.clone()))
        };
        let shared = (relays, self.shared.clone(), tls);
        Self::make((config, roots), Some(self), shared, access, counters)
    }

    fn make(
        (config, roots): (Config, Vec<Option<Root>>),
        before: Option<&Self>,
        (relays, shared, tls): (Relays, Shared, &Tls),
        access: AccessLogs,
        counters: &Arc<Counters>,
    ) -> Self {
        let upstreams = config.upstreams.iter().map(|config| {
            let known = before.and_then(|before| before.find(config));
            known.unwrap_or_else(|| (create(config, before, &shared), None))
        });
        let (upstreams, care): (Vec<_>, _) = upstreams.unzip();
        tls.equip(&upstreams);
        let known = before.map(|before| &before.limits);
        let limits = Limits::new(&config.frontend.limits, known, &counters.limits);
        let routes = config.frontend.routes.iter().zip(roots);
        let routes = routes.map(|(route, root)| Route::new(route.clone(), root, &upstreams, &limits));
        let context = ExchangeContext {
            trust: config.frontend.trust.clone(),
            relays: relays.clone(),
            log: access.main,
            route_logs: access.routes,
            slow: SlowLog::new(config.log.slow),
            counters: counters.clone(),
            routes: Box::default(),
            listeners: Box::default(),
        };
        let service = Service::new(&config.frontend, routes.collect(), context);
        Self {
            config,
            upstreams,
            care,
            service: Arc::new(service),
            limits,
            relays,
            shared,
        }
    }

    /// The upstream that has these settings already, and what looks after it.
    fn find(&self, config: &UpstreamConfig) -> Option<(Arc<Upstream>, Option<Arc<Care>>)> {
        let mut known = self.upstreams.iter().zip(&self.care);
        let (upstream, care) = known.find(|(upstream, _)| upstream.config() == config)?;
        Some((upstream.clone(), care.clone()))
    }

    /// What it shares with the one before is as it wants it: not until it is in force.
    pub(super) fn take_effect(&mut self, apps: &Places) {
        self.relays.spools().limit(&self.config.server.spool);
        for (upstream, care) in self.upstreams.iter().zip(&self.care) {
            if care.is_none() {
                upstream.take_over();
            }
        }
        self.take_care(apps);
        if self.shared.resolver.set_config(&self.config.server.resolver) {
            for upstream in &self.upstreams {
                upstream.suspect_names();
            }
        }
    }

    /// Looks after the upstreams that nothing looks after yet. To be called inside a tokio runtime.
    pub(super) fn take_care(&mut self, apps: &Places) {
        let app = |name: &str, template: &EndpointConfig<EndpointSource>| {
            AppEndpoints::new(template.clone(), apps.get(name).cloned())
        };
        for (upstream, care) in self.upstreams.iter().zip(&mut self.care) {
            care.get_or_insert_with(|| Arc::new(Care::begin(upstream, &self.shared.resolver, app)));
        }
    }

    /// The endpoints of all upstreams of all generations.
    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.shared.registry
    }

    /// The upstreams that the next generation has not, with what looks after those that are no longer anywhere.
    pub(super) fn gone<'a>(
        &'a self,
        next: &'a Self,
    ) -> impl Iterator<Item = (&'a Arc<Upstream>, Option<&'a Arc<Care>>)> {
        let upstreams = self.upstreams.iter().zip(&self.care);
        let gone = upstreams.filter(|(upstream, _)| !next.has(upstream));
        gone.map(|(upstream, care)| {
            let is_succeeded = next.upstreams.iter().any(|other| other.is_same(upstream));
            (upstream, care.as_ref().filter(|_| !is_succeeded))
        })
    }

    /// Whether an upstream is in use.
    fn has(&self, upstream: &Arc<Upstream>) -> bool {
        self.upstreams.iter().any(|ours| Arc::ptr_eq(ours, upstream))
    }
}

/// An upstream with settings that none has had, with the pool of the one that had its name.
fn create(config: &UpstreamConfig, before: Option<&Generation>, shared: &Shared) -> Arc<Upstream> {
    let mut known = before.iter().flat_map(|before| &before.upstreams);
    let upstream = match known.find(|upstream| **upstream.name() == *config.name) {
        Some(before) => before.successor(config.clone()),
        None => Upstream::within(config.clone(), &shared.registry, &shared.connector),
    };
    Arc::new(upstream)
}
