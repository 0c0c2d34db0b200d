//! A named group of endpoints with its policy.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::protocol::{Protocol, RequestHead};
use crate::transport::{Connector, Latch};
use crate::upstream::admit::{Pool, Registry, Snapshot};
use crate::upstream::model::config::{EndpointConfig, ExchangeTimeouts};
use crate::upstream::model::tally::Tally;
use crate::upstream::model::{Endpoint, UpstreamConfig, Workers};
use crate::upstream::select::balance::Constraints;
use crate::upstream::select::{key, sticky};
use crate::upstream::wire::pump::Terms;
use crate::upstream::wire::timers::Timers;
use crate::upstream::wire::{Connection, Dialer, codec};

/// A named group of endpoints with its policy, ready to serve.
pub struct Upstream {
    pub(super) name: Arc<str>,
    pub(super) config: UpstreamConfig,
    pub(super) terms: Arc<Terms>,
    pub(super) protocol: Box<dyn Protocol>,
    pub(super) pool: Arc<Pool<Box<Connection>>>,
    pub(super) dialer: Arc<Dialer>,
    retired: Arc<Latch>,
    /// Told when the endpoints are others; closed when this is gone.
    changed: watch::Sender<()>,
    /// Told when the answers to names may be out of date.
    suspected: Arc<Notify>,
    pub(super) tally: Arc<Tally>,
}

impl Upstream {
    /// An upstream with endpoints of its own; opens no connection.
    pub fn new(config: UpstreamConfig) -> Self {
        Self::within(config, &Arc::default(), &Connector::default())
    }

    /// An upstream whose endpoints others may have, too, as the registry knows, and connects by the same connector.
    pub fn within(config: UpstreamConfig, registry: &Arc<Registry>, connector: &Connector) -> Self {
        let pool = Pool::new(&config, registry);
        Self::over(config, pool, connector.clone(), Arc::default())
    }

    /// The same upstream with other settings: the same slots, queue, connections and counters, which are as the settings
    /// say when it [takes over](Self::take_over).
    pub fn successor(&self, config: UpstreamConfig) -> Self {
        Self {
            suspected: self.suspected.clone(),
            ..Self::over(
                config,
                self.pool.clone(),
                self.dialer.connector().clone(),
                self.tally.clone(),
            )
        }
    }

    fn over(
        config: UpstreamConfig,
        pool: Arc<Pool<Box<Connection>>>,
        connector: Connector,
        tally: Arc<Tally>,
    ) -> Self {
        let name: Arc<str> = config.name.as_str().into();
        let terms = Terms {
            upstream: name.clone(),
            timeouts: config.timeouts,
            timers: Timers::default(),
        };
        Self {
            name,
            terms: Arc::new(terms),
            protocol: codec::make(&config),
            pool,
            dialer: Arc::new(Dialer::new(connector)),
            config,
            retired: Arc::default(),
            changed: watch::Sender::new(()),
            suspected: Arc::default(),
            tally,
        }
    }

    /// What exchanges with other deadlines have in common; `None`: theirs are the upstream's.
    pub fn terms(&self, own: ExchangeTimeouts) -> Option<Arc<Terms>> {
        let terms = Terms {
            upstream: self.name.clone(),
            timeouts: self.config.timeouts.with(own),
            timers: Timers::default(),
        };
        (own != ExchangeTimeouts::default()).then(|| Arc::new(terms))
    }

    /// Its settings are in force from now on, and those of its predecessor are not.
    pub fn take_over(&self) {
        self.pool.reconfigure(&self.config);
    }

    /// Whether both are the same upstream, perhaps with other settings.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pool, &other.pool)
    }

    /// It has left the configuration: keeps no idle connection from now on.
    pub fn leave(&self) {
        self.pool.retire();
    }

    /// The name after `upstream.` in the file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Set when it left the configuration and what is still under way has to end.
    pub fn retired(&self) -> &Arc<Latch> {
        &self.retired
    }

    /// What it connects with.
    pub fn dialer(&self) -> &Arc<Dialer> {
        &self.dialer
    }

    /// Its settings.
    pub fn config(&self) -> &UpstreamConfig {
        &self.config
    }

    /// What it has done so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Doubts the last answer to every name of an endpoint: asks again soon.
    pub fn suspect_names(&self) {
        self.suspected.notify_waiters();
    }

    /// Notified by [`suspect_names`](Self::suspect_names).
    pub(in crate::upstream) fn suspected(&self) -> &Arc<Notify> {
        &self.suspected
    }

    /// Changes when the endpoints do; closed when the upstream is gone.
    pub(in crate::upstream) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Its endpoints, in the order of the file.
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.pool.endpoints()
    }

    /// What its pool looks like now.
    pub fn snapshot(&self) -> Snapshot {
        self.pool.snapshot()
    }

    /// The endpoints are these from now on; those that stay keep their slots, connections and history.
    pub fn set_endpoints(&self, endpoints: &[EndpointConfig]) {
        self.pool.set_endpoints(endpoints);
        self.changed.send_replace(());
    }

    /// Another process served before us: its endpoints were alive a moment ago, as far as we know.
    pub fn were_alive(&self) {
        self.pool.were_alive();
    }

    /// What a health check found about an endpoint.
    pub fn judge(&self, endpoint: &Arc<Endpoint>, alive: bool) {
        self.pool.judge(endpoint, alive)
    }

    /// An endpoint said how many workers it has. Gives the slots that it has from now on, if they are others.
    pub fn count(&self, endpoint: &Endpoint, workers: Workers) -> Option<usize> {
        self.pool.count(endpoint, workers)
    }

    /// What a request wants of an endpoint.
    pub(super) fn constraints(&self, head: &RequestHead) -> Constraints {
        let sticky = self.config.sticky.as_ref();
        let fair = self.config.fair.as_ref();
        Constraints {
            tried: Vec::new(),
            key: key::of(&self.config.balance, head),
            client: fair.map_or(0, |fair| self.pool.client(&fair.key, head)),
            protocol: Some(self.config.protocol),
            sticky: sticky.and_then(|sticky| sticky::session(sticky, head)),
            wait: sticky.is_some_and(|sticky| sticky.wait),
        }
    }
}
