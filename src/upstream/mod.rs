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
mod half_open;
pub mod http;
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
pub mod tally;
pub mod trace;
mod watch;
mod watched_body;

use std::sync::Arc;

pub use answer::Answer;
pub use body::Body;
pub use config::Config;
pub use endpoint::Endpoint;
pub use error::Failure;
pub use forecast::Forecast;
pub use http::Switched;
pub use preview::Preview;
pub use relay::{Options, Relays};
pub use request_body::{BodyError, RequestBody, Streaming};
pub use trace::Trace;

use crate::protocol::{Protocol, RequestHead};
use crate::transport::{Notice, Resolver};
use balance::Wish;
use config::EndpointConfig;
use connection::Connection;
use discovery::Discovery;
use http::HttpConnection;
use pool::Pool;
use tally::Tally;

pub use pool::Snapshot;

/// A named group of endpoints with its policy, ready to serve.
pub struct Upstream {
    name: Arc<str>,
    config: Config,
    engine: Engine,
    over: Arc<Notice>,
    /// Told when the endpoints are others; closed when this is gone.
    changed: watch::Bell,
    tally: Tally,
    discovery: Discovery,
}

enum Engine {
    /// FastCGI, uwsgi, SCGI: our codecs over our connections.
    Framed(Box<dyn Protocol>, Arc<Pool<Box<Connection>>>),
    /// HTTP: hyper's.
    Http(Arc<Pool<HttpConnection>>),
}

impl Upstream {
    /// An upstream nobody uses yet; opens no connection.
    pub fn new(config: Config) -> Self {
        let engine = match codec::make(&config) {
            Some(protocol) => Engine::Framed(protocol, Pool::new(&config)),
            None => Engine::Http(Pool::new(&config)),
        };
        Self {
            name: config.name.as_str().into(),
            config,
            engine,
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
        match &self.engine {
            Engine::Framed(_, pool) => pool.endpoints(),
            Engine::Http(pool) => pool.endpoints(),
        }
    }

    /// What its pool looks like now.
    pub fn snapshot(&self) -> Snapshot {
        match &self.engine {
            Engine::Framed(_, pool) => pool.snapshot(),
            Engine::Http(pool) => pool.snapshot(),
        }
    }

    /// The endpoints are these from now on; those that stay keep their slots, connections and history.
    pub fn set_endpoints(&self, endpoints: &[EndpointConfig]) {
        match &self.engine {
            Engine::Framed(_, pool) => pool.set_endpoints(endpoints),
            Engine::Http(pool) => pool.set_endpoints(endpoints),
        }
        self.changed.ring();
    }

    /// What a health check found about an endpoint.
    pub fn judge(&self, endpoint: endpoint::Id, alive: bool) {
        match &self.engine {
            Engine::Framed(_, pool) => pool.judge(endpoint, alive),
            Engine::Http(pool) => pool.judge(endpoint, alive),
        }
    }

    /// An endpoint said how many workers it has. Gives the slots that it has from now on, if they are others.
    pub fn count(&self, endpoint: &Endpoint, workers: probe::Workers) -> Option<usize> {
        match &self.engine {
            Engine::Framed(_, pool) => pool.count(endpoint, workers),
            Engine::Http(pool) => pool.count(endpoint, workers),
        }
    }

    /// Sends a request to one endpoint after the other, as far as the retry rule permits, and gives the
    /// answer as soon as its head is complete. `trace` tells what happened, also after a failure.
    pub async fn send(
        &self,
        head: &RequestHead,
        body: RequestBody,
        options: Options<'_>,
        trace: &mut Trace,
    ) -> Result<Answer, Failure> {
        trace.upstream = Some(self.name.clone());
        let wish = self.wish(head);
        let session = wish.sticky;
        let answer = match &self.engine {
            Engine::Framed(protocol, pool) => {
                let wire = send::Framed {
                    protocol: protocol.as_ref(),
                    upstream: self,
                    options,
                };
                send::Attempts::new(self, pool, wish, &mut *trace)
                    .run(&wire, head, body)
                    .await
            }
            Engine::Http(pool) => {
                let wire = send::Http {
                    upstream: self,
                    options,
                };
                send::Attempts::new(self, pool, wish, &mut *trace)
                    .run(&wire, head, body)
                    .await
            }
        };
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
