//! Which endpoint, which connection, when to give up: the upstream engine.
//!
//! [`Upstream::send`] is the whole of it as seen from the front end: a request goes down by value, an answer
//! comes up by value. Slots, connections and timers are owned by the answer's [`Body`] and end with it.

pub mod adapt;
pub mod answer;
pub mod balance;
pub mod body;
pub mod checkup;
mod codec;
pub mod config;
pub mod connection;
mod discovery;
pub mod endpoint;
pub mod error;
mod forecast;
pub mod latency;
pub mod pool;
mod preview;
pub mod probe;
pub mod profile;
pub mod pump;
pub mod relay;
pub mod request_body;
pub mod retry;
mod send;
pub mod source;
pub mod stderr;
pub mod sticky;
mod switched;
pub mod tally;
pub mod trace;
mod watch;

use std::sync::Arc;

pub use answer::Answer;
pub use body::Body;
pub use config::Config;
pub use endpoint::Endpoint;
pub use error::Failure;
pub use forecast::Forecast;
pub use preview::Preview;
pub use relay::{Interim, Options, Relays};
pub use request_body::{BodyError, RequestBody, Streaming};
pub use switched::Switched;
pub use trace::Trace;

use crate::protocol::{Protocol, RequestHead};
use crate::transport::{Notice, Resolver};
use balance::Wish;
use config::EndpointConfig;
use connection::Connection;
use discovery::Discovery;
use pool::Pool;
use pump::Terms;
use tally::Tally;

pub use pool::Snapshot;

/// A named group of endpoints with its policy, ready to serve.
pub struct Upstream {
    name: Arc<str>,
    config: Config,
    terms: Arc<Terms>,
    protocol: Box<dyn Protocol>,
    pool: Arc<Pool<Box<Connection>>>,
    over: Arc<Notice>,
    /// Told when the endpoints are others; closed when this is gone.
    changed: watch::Bell,
    tally: Tally,
    discovery: Discovery,
}

impl Upstream {
    /// An upstream nobody uses yet; opens no connection.
    pub fn new(config: Config) -> Self {
        let name: Arc<str> = config.name.as_str().into();
        let terms = Terms {
            upstream: name.clone(),
            timeouts: config.timeouts,
        };
        Self {
            name,
            terms: Arc::new(terms),
            protocol: codec::make(&config),
            pool: Pool::new(&config),
            config,
            over: Arc::default(),
            changed: watch::Bell::default(),
            tally: Tally::default(),
            discovery: Discovery::default(),
        }
    }

    /// Checks the endpoints from now on, and asks them what there is to ask, as far as the settings want it. Once for
    /// each upstream, inside a tokio runtime; it ends with the upstream.
    pub fn watch(self: &Arc<Self>) {
        watch::start(self);
    }

    /// The name after `upstream.` in the file.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Given when it left the configuration and what is still under way has to end.
    pub fn over(&self) -> &Arc<Notice> {
        &self.over
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it has done so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Looks for the endpoints that its settings only name, from now on until it is dropped. To be called inside a
    /// tokio runtime.
    pub fn discover(self: &Arc<Self>, resolver: &Arc<Resolver>) {
        self.discovery.start(self, resolver);
    }

    /// Doubts the last answer to every name: asks again soon.
    pub fn look_again(&self) {
        self.discovery.doubt();
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
        self.changed.ring();
    }

    /// What a health check found about an endpoint.
    pub fn judge(&self, endpoint: endpoint::Id, alive: bool) {
        self.pool.judge(endpoint, alive)
    }

    /// An endpoint said how many workers it has. Gives the slots that it has from now on, if they are others.
    pub fn count(&self, endpoint: &Endpoint, workers: probe::Workers) -> Option<usize> {
        self.pool.count(endpoint, workers)
    }

    /// Sends a request to one endpoint after the other, as far as the retry rule permits, and gives the
    /// answer as soon as its head is complete. `trace` tells what happened, also after a failure.
    pub async fn send(
        &self,
        head: &RequestHead,
        body: RequestBody,
        options: &Options<'_>,
        trace: &mut Trace,
    ) -> Result<Answer, Failure> {
        trace.upstream = Some(self.name.clone());
        let wish = self.wish(head);
        let session = wish.sticky;
        let mut attempts = send::Attempts::new(self, options, head, body, wish, &mut *trace);
        let answer = attempts.run().await;
        drop(attempts);
        self.tally.count(trace);
        let mut answer = answer?;
        if let Some(sticky) = &self.config.sticky
            && let Some(token) = trace.endpoint.as_ref().and_then(|endpoint| endpoint.token)
            && session != Some(token)
        {
            sticky::remember(sticky, token, head.client.secure, &mut answer.fields);
        }
        Ok(answer)
    }

    /// What a request wants of an endpoint.
    fn wish(&self, head: &RequestHead) -> Wish {
        let sticky = self.config.sticky.as_ref();
        Wish {
            tried: Vec::new(),
            key: balance::key::of(&self.config.balance, head),
            sticky: sticky.and_then(|sticky| sticky::session(sticky, head)),
            wait: sticky.is_some_and(|sticky| sticky.wait),
        }
    }
}
