//! What a configuration is made into.

use std::sync::Arc;

use super::config::FrontendConfig;
use super::context::{ExchangeContext, Observed};
use super::edge::settings::Settings;
use super::exchange::Exchange;
use super::listener_id::ListenerId;
use super::received::Received;
use super::rejection::Rejection;
use super::route::Route;
use super::router::Router;
use super::secure_hosts::SecureHosts;
use super::sought::{self, Sought};
use crate::files::DecodedPath;
use crate::protocol::tls::ClientTls;
use crate::telemetry::{AccessLog, Counters};
use crate::transport::tls::{Hosts, PolicyId, Verify};

/// Everything that answers requests. Immutable; shared by all connections. The way of a request through it is
/// [`serve`](super::serve).
pub struct Service {
    /// What connections keep of it, whatever their listener is.
    edge: Arc<Settings>,
    /// What those of each listener keep.
    edges: Box<[Arc<Settings>]>,
    /// What exchanges keep of it.
    pub(super) context: Arc<ExchangeContext>,
    router: Router<Route>,
    /// In the order of the configuration.
    routes: Box<[Arc<Route>]>,
    /// What is asked of the clients of hosts, where some have a rule of their own.
    policies: Option<Box<Hosts<Policy>>>,
    /// Hosts whose certificates we get for ourselves.
    pub(super) secure_hosts: Option<Box<SecureHosts>>,
}

/// What is asked of the clients of a host.
struct Policy {
    id: PolicyId,
    verify: Verify,
}

impl Service {
    /// A service over the routes of a configuration: `routes` are the same, ready to serve.
    pub fn new(config: &FrontendConfig, mut routes: Vec<Route>, mut context: ExchangeContext) -> Self {
        let logs = std::mem::take(&mut context.route_logs);
        context.routes = observed(&mut routes, &logs, &context.counters);
        context.listeners = ListenerId::all(config.addresses())
            .zip(config.listeners.iter().map(|listener| listener.name.clone()))
            .collect();
        let routes: Box<[_]> = routes.into_iter().map(Arc::new).collect();
        Self {
            router: router(config, &routes),
            routes,
            policies: policies(config),
            secure_hosts: config
                .secure_hosts
                .as_ref()
                .map(|hosts| Box::new(SecureHosts::new(hosts))),
            edge: Arc::new(Settings::of(config)),
            edges: Settings::of_listeners(config),
            context: Arc::new(context),
        }
    }

    /// What connections of a listener keep of it.
    pub(super) fn edge_of(&self, listener: Option<&Arc<ListenerId>>) -> &Arc<Settings> {
        let found = self.edges.iter().find(|edge| edge.listener() == listener);
        found.filter(|_| listener.is_some()).unwrap_or(&self.edge)
    }

    /// What its exchanges need.
    pub fn context(&self) -> &Arc<ExchangeContext> {
        &self.context
    }

    /// Refuses a request for a host of whose clients something else is asked than of this one (RFC 9110, section 15.5.20).
    /// Without TLS no client shows a certificate: it may have what needs none.
    pub fn admit(&self, request: &Received, tls: Option<&ClientTls>) -> Result<(), Rejection> {
        let Some(policies) = &self.policies else {
            return Ok(());
        };
        let host = std::str::from_utf8(sought::host(&request.head.fields)).unwrap_or_default();
        let policy = policies.find(host);
        let is_kept = match tls {
            Some(tls) => policy.map_or(tls.usual_policy, |policy| policy.id.0) == tls.policy,
            None => policy.is_none_or(|policy| policy.verify != Verify::Required),
        };
        match is_kept {
            true => Ok(()),
            false => Err(Rejection::Misdirected),
        }
    }

    /// The path of a request, for every rule, and the route that it finds.
    pub fn route(&self, exchange: &Exchange) -> Result<(DecodedPath, &Arc<Route>), Rejection> {
        let path = DecodedPath::of(&exchange.request.head.target.path_bytes())?;
        let Some(route) = self.find(exchange, path.as_bytes()) else {
            return Err(Rejection::NotFound);
        };
        if route.as_it_came && !self.is_all_of(route, &path, exchange) {
            return Err(Rejection::LeavesRoute);
        }
        Ok((path, route))
    }

    /// The path of a request, and the route that another route leads it to.
    pub fn named(&self, exchange: &Exchange, name: &str) -> Result<(DecodedPath, &Arc<Route>), Rejection> {
        let path = DecodedPath::of(&exchange.request.head.target.path_bytes())?;
        let Some(route) = self.router.named(name) else {
            return Err(Rejection::NotFound);
        };
        if route.as_it_came
            && let Some(by) = self.find(exchange, path.as_bytes())
            && !self.is_all_of(by, &path, exchange)
        {
            return Err(Rejection::LeavesRoute);
        }
        Ok((path, route))
    }

    /// The route of that number.
    pub fn numbered(&self, number: usize) -> Option<&Arc<Route>> {
        self.routes.get(number)
    }

    /// Every route that would do for the path of a request, the one that is found first.
    pub fn candidates(&self, exchange: &Exchange, path: &[u8]) -> Vec<&Arc<Route>> {
        self.router.candidates(&Sought::new(exchange), path)
    }

    /// The route of a path in normal form.
    #[inline]
    pub fn find(&self, exchange: &Exchange, path: &[u8]) -> Option<&Arc<Route>> {
        self.router.find(&Sought::new(exchange), path)
    }

    /// Whether a path is the route's for those, too, that read its `..` in another way than the router. `/admin/../x` is
    /// not `/admin`'s for us, and its application might take it for that.
    fn is_all_of(&self, route: &Arc<Route>, path: &DecodedPath, exchange: &Exchange) -> bool {
        let within = |directory: &[u8]| {
            let found = self.find(exchange, directory);
            found.is_some_and(|found| Arc::ptr_eq(found, route))
        };
        path.climbs_within(exchange.request.head.target.path(), within)
    }
}

/// Numbers the routes, and finds what is counted for them.
fn observed(routes: &mut [Route], logs: &[Option<Arc<AccessLog>>], counters: &Counters) -> Box<[Observed]> {
    let observed = routes.iter_mut().enumerate().map(|(number, route)| {
        route.number = number;
        Observed {
            times: counters.routes.times(&route.config.name(), &route.upstream),
            slow: route.config.slow,
            send: route.config.timeouts.send,
            keep_alive: route.config.keep_alive,
            log: logs.get(number).cloned().flatten(),
            unlogged: route
                .config
                .log
                .as_ref()
                .map_or_else(Box::default, |log| log.except.as_slice().into()),
        }
    });
    observed.collect()
}

/// `None` where no host has one.
fn policies(config: &FrontendConfig) -> Option<Box<Hosts<Policy>>> {
    let hosts = config.host_clients().into_iter();
    let hosts = Hosts::new(hosts.map(|host| {
        let policy = Policy {
            id: PolicyId::of(Some(&host.client)),
            verify: host.client.verify,
        };
        (host.host, policy)
    }));
    (!hosts.is_empty()).then(|| Box::new(hosts))
}

/// The routes, sorted for looking up.
fn router(config: &FrontendConfig, routes: &[Arc<Route>]) -> Router<Route> {
    let rules = config.routes.iter().zip(routes.iter().cloned());
    Router::new(rules.collect())
}
