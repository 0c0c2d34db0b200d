//! Requests of our own to applications, and what is known of those of clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Uri, Version};
use tokio::time::{interval, sleep};

use crate::config::Config;
use crate::frontend::connection::Connection;
use crate::frontend::connection_limit::ConnectionLimit;
use crate::frontend::exchange::Exchange;
use crate::frontend::forward::{self, Announced};
use crate::frontend::forwarded::Connected;
use crate::frontend::serve::Next;
use crate::frontend::{ExchangeContext, Request, Service, serve};
use crate::process::{Place, Traffic};
use crate::protocol::fields::{FieldName, FieldValue, Fields};
use crate::protocol::{RequestHead, Target};
use crate::spool::Spools;
use crate::telemetry::{AccessLog, Counters, LogConfig, SlowLog};
use crate::transport::Address;
use crate::upstream::admit::Registry;
use crate::upstream::care::probe::{Prober, Verdict};
use crate::upstream::model::config::{EndpointConfig, EndpointSource, UpstreamConfig};
use crate::upstream::{Relays, Upstream};

/// What sends requests to applications: the service in force decides what they get.
pub(super) struct Requests {
    service: Mutex<Arc<Service>>,
    /// A host of each application that routes name one for.
    hosts: Mutex<BTreeMap<String, String>>,
    registry: Arc<Registry>,
}

/// A request as the application is to have it.
struct Prepared {
    head: RequestHead,
    upstream: Arc<Upstream>,
}

impl Requests {
    pub(super) fn new(service: Arc<Service>, registry: Arc<Registry>) -> Self {
        Self {
            service: Mutex::new(service),
            hosts: Mutex::default(),
            registry,
        }
    }

    /// Requests go by this service, of this configuration, from now on.
    pub(super) fn serve(&self, service: Arc<Service>, config: &Config) {
        *self.service.lock().unwrap_or_else(PoisonError::into_inner) = service;
        *self.hosts.lock().unwrap_or_else(PoisonError::into_inner) = hosts(config);
    }

    /// Waits until no pool has an endpoint at an address, and no exchange is under way there.
    pub(super) async fn unused(&self, address: &Address) {
        let mut looks = interval(LOOK);
        looks.tick().await;
        while self.registry.is_used(address) {
            looks.tick().await;
        }
    }

    /// Sends a request, and again while it cannot be sent.
    async fn ask(&self, app: &str, place: &Place, url: &str) -> Result<u16, String> {
        let service = self
            .service
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let host = self
            .hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(app)
            .cloned();
        let Prepared { head, upstream } = prepare(&service, (app, host.as_deref()), url)?;
        let prober = Prober::new(upstream.config(), upstream.dialer().clone());
        let endpoint = EndpointConfig::new(place.address.clone());
        loop {
            match prober.status(&endpoint, &head, LONGEST).await {
                Ok(status) => return Ok(status),
                // It may not listen yet; the deadline is its supervisor's.
                Err(Verdict::Dead(cause)) if cause.is_connect() => sleep(LOOK).await,
                Err(Verdict::Busy(_)) => sleep(LOOK).await,
                Err(Verdict::Dead(cause)) => return Err(format!("{url}: {cause}")),
                Err(Verdict::Silent | Verdict::Alive) => return Err(format!("{url}: no answer")),
            }
        }
    }
}

impl Traffic for Requests {
    async fn warm(&self, app: &str, place: &Place, urls: &[String]) -> Result<(), String> {
        if urls.is_empty() {
            // Whatever is answered: it is there.
            return self.ask(app, place, "/").await.map(|_| ());
        }
        for url in urls {
            let status = self.ask(app, place, url).await?;
            tracing::debug!(app, url, status, "warm");
            if status >= BAD {
                return Err(format!("{url}: status {status}"));
            }
        }
        Ok(())
    }

    async fn drained(&self, address: &Address) {
        self.unused(address).await;
    }
}

/// The way of [`serve`] for a request that no client has sent; nothing of it is logged or counted.
fn prepare(service: &Arc<Service>, (app, host): (&str, Option<&str>), url: &str) -> Result<Prepared, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let context = unseen(service.context());
    let limit = Arc::new(ConnectionLimit::new(1, context.counters.clone()));
    let connection = Arc::new(Connection::new(
        Connected::new(None, None),
        Arc::default(),
        limit.take(),
    ));
    let host = match uri.authority() {
        Some(authority) => authority.to_string(),
        None => host.unwrap_or(LOCAL).to_owned(),
    };
    let mut exchange = Exchange::new(&context, &connection, request(&uri, &host)?);
    let refused = |rejection| format!("{url} (host {host}): the gateway answers itself: {rejection}");
    serve::check(&mut exchange).map_err(refused)?;
    exchange.request.vouch();
    let to = match serve::decide(service, &mut exchange).map_err(refused)? {
        Next::Forward(to) => to,
        Next::Answered => {
            let status = exchange.answer.status.as_u16();
            return Err(format!(
                "{url} (host {host}): the gateway answers itself, with status {status}"
            ));
        }
        Next::Wait(_) => {
            return Err(format!("{url} (host {host}): a limit of its route has it wait"));
        }
    };
    if !has_app(to.upstream.config(), app) {
        let other = to.upstream.name();
        return Err(format!(
            "{url} (host {host}): goes to the upstream `{other}`, which is none of the application"
        ));
    }
    exchange.client();
    forward::complete(&mut exchange.request, to, Announced::default()).map_err(refused)?;
    Ok(Prepared {
        head: exchange.request.head.clone(),
        upstream: to.upstream.clone(),
    })
}

fn request(uri: &Uri, host: &str) -> Result<Request, String> {
    let mut fields = Fields::new();
    let value = FieldValue::new(host.as_bytes()).ok_or_else(|| format!("`{host}` is not a host"))?;
    fields.append(FieldName::Host, value);
    fields.append(FieldName::UserAgent, "bridgehead-warm");
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    Ok(Request {
        method: Method::GET,
        target: target
            .parse::<Target>()
            .map_err(|error| format!("{target}: {error}"))?,
        authority: None,
        version: Version::HTTP_11,
        fields,
    })
}

/// The first host of the routes to each application.
fn hosts(config: &Config) -> BTreeMap<String, String> {
    let mut hosts = BTreeMap::new();
    for route in &config.frontend.routes {
        let upstream = route.handler.upstream().map(|index| &config.upstreams[index]);
        let mut named = route
            .named_hosts()
            .map(|host| host.to_text())
            .filter(|host| !host.starts_with('*'));
        let (Some(upstream), Some(host)) = (upstream, named.next()) else {
            continue;
        };
        for source in &upstream.sources {
            if let EndpointSource::App(app) = &source.address {
                hosts.entry(app.clone()).or_insert_with(|| host.clone());
            }
        }
    }
    hosts
}

fn has_app(config: &UpstreamConfig, app: &str) -> bool {
    config
        .sources
        .iter()
        .any(|source| matches!(&source.address, EndpointSource::App(name) if name == app))
}

/// A context of which nothing is seen.
fn unseen(context: &ExchangeContext) -> Arc<ExchangeContext> {
    let counters = Arc::new(Counters::default());
    Arc::new(ExchangeContext {
        trust: context.trust.clone(),
        relays: Relays::new(
            Spools::new(crate::spool::SpoolConfig::default()),
            counters.clone(),
        ),
        log: Arc::new(AccessLog::new(None, &LogConfig::default())),
        counters,
        slow: SlowLog::default(),
        routes: Box::default(),
        listeners: Box::default(),
        route_logs: Box::default(),
    })
}

/// Between two looks at what cannot be waited for.
const LOOK: Duration = Duration::from_millis(50);

/// For one answer: the deadline is the supervisor's, and shorter.
const LONGEST: Duration = Duration::from_secs(3600);

/// Statuses from here on say that something is wrong with the application.
const BAD: u16 = 500;

/// The host where no route names one.
const LOCAL: &str = "localhost";
