//! The composition root: from a checked configuration to a running gateway.
//!
//! The only module that sees everything. [`App::start`] has sockets, logs and roots opened (`open`) and fails before
//! anything is served; [`App::run`] serves until a signal ends it.
//!
//! While it runs, a signal may have the configuration read again (`reload`) or the whole program replaced
//! (`replacement`, and `inheritance` on the other side of it). Both prepare everything that can fail first: until that
//! has succeeded, nothing has changed.

mod children;
pub mod control;
mod descriptors;
pub mod explain;
mod generation;
mod handover;
mod identity;
mod inheritance;
mod keeping;
mod logs;
mod notify;
mod open;
mod own;
mod reload;
mod renewal;
mod reopening;
mod replacement;
mod run;
mod runtime;
mod signals;
mod site_logs;
mod threads;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::acme::dns::DnsSockets;
use crate::config::Config;
use crate::frontend::{self, Server};
use crate::telemetry::Counters;
use crate::transport::tls::{TlsAcceptor, TlsConfig, TlsContext};
use crate::transport::{Address, Inherited, Lender, Listener, Ownership};
use crate::upstream::Upstream;

use children::Children;
pub use descriptors::raise_limit;
use generation::Generation;
pub use inheritance::Inheritance;
use inheritance::Predecessor;
use keeping::Keeping;
use logs::Logs;
use open::{Added, Opener, PidFile, Start};
pub use open::{Finding, Source, inspect, open_error_log, own_certificates};
use own::Own;
pub use replacement::Program;
pub use run::Means;
pub use runtime::runtime;
pub use signals::Signals;
use tls::Tls;

/// A gateway that is ready to serve.
pub struct App {
    /// Nothing is accepted on them yet.
    listeners: Vec<Ready>,
    server: Server,
    generation: Generation,
    counters: Arc<Counters>,
    /// What was inherited and no [[listen]] asked for; closed when we serve.
    left: Inherited,
    predecessor: Option<Predecessor>,
    pid_file: Option<PidFile>,
    opener: Opener,
    tls: Tls,
    /// For which hosts the gateway gets certificates by itself, and what keeps them.
    own: Own,
    keeping: Keeping,
    /// Where questions of the DNS come.
    dns: DnsSockets,
    /// The applications that it runs.
    children: Children,
    /// Writes the last lines when it is dropped, which is after everything else.
    logs: Logs,
}

/// A listener that is to be opened to clients.
struct Ready {
    config: frontend::config::Listener,
    ownership: Ownership,
    listener: Listener,
    acceptor: Option<Arc<TlsAcceptor>>,
}

/// How a gateway ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every exchange was finished.
    Drained,
    /// That many connections were cut, at the drain deadline or because haste was asked for.
    Cut(usize),
}

impl App {
    /// Opens everything that the configuration names. To be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When something cannot be opened, or not within `timeouts.open`.
    pub async fn build(config: Config) -> Result<Self> {
        Self::start(config, &mut Inheritance::default()).await
    }

    /// The same, with what another process has opened for us. Afterwards the process is the user that `[server]` names.
    /// After a failure it is left to the caller to tell that process.
    pub async fn start(config: Config, inheritance: &mut Inheritance) -> Result<Self> {
        let limit = config.frontend.timeouts.open;
        let sockets = std::mem::take(&mut inheritance.sockets);
        let dns = std::mem::take(&mut inheritance.dns);
        let opener = Opener::default();
        let opening = opener.begin(limit, move |progress| Start::open(config, sockets, dns, progress))?;
        let Start {
            config,
            access,
            route_logs,
            listeners,
            roots,
            material,
            own,
            dns,
            pid_file,
            left,
            app_dir,
        } = opening.outcome().await?;
        let context = TlsContext::new(inheritance.ticket_keys.take().as_deref());
        let tls = Tls {
            context: keeping::answering(&context, &config.acme),
            material,
        };
        let logs = Logs::start(&config, access, route_logs);
        let (logs, access) = logs.map_err(|error| threads::failed("the access log", error))?;
        let counters = Arc::new(Counters::default());
        counters.certificates.set(tls.material.certificates());
        let listeners = ready(listeners.added, &tls, &config.tls)?;
        let mut generation = Generation::first(config, roots, &tls, access, &counters);
        let mut children = Children::new(&generation.service, generation.registry());
        children.change(&generation.config, app_dir, &generation.service);
        generation.take_care(&children.places());
        if inheritance.predecessor.is_some() {
            generation
                .upstreams
                .iter()
                .for_each(|upstream| upstream.were_alive());
            // Until they are, the process before us answers with its own.
            children.ready().await;
        }
        let connection_limit = descriptors::connection_limit(generation.config.frontend.max_connections);
        Ok(Self {
            listeners,
            server: Server::new(
                generation.service.clone(),
                connection_limit,
                generation.config.tls.max_handshakes,
            ),
            generation,
            counters,
            left,
            predecessor: inheritance.predecessor.take(),
            pid_file,
            opener,
            tls,
            own,
            keeping: Keeping::default(),
            dns,
            children,
            logs,
        })
    }

    /// Where it listens, with the real ports.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let bound = self.listeners.iter().map(|ready| ready.listener.address());
        bound.chain(
            self.server
                .listening()
                .iter()
                .map(|listening| listening.listener.address()),
        )
    }

    /// The upstreams, in the order of the configuration.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.generation.upstreams
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Arc<Counters> {
        let spools = self.generation.relays.spools();
        self.counters.spool_bytes.set(spools.bytes_on_disk());
        self.counters.spool_memory_bytes.set(spools.bytes_in_memory());
        &self.counters
    }

    /// Serves until `stop` resolves, then drains: for embedding, without signals. Certificates whose files change are read
    /// again, as `[tls] watch` says.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Ended {
        self.accept();
        self.renew_until(stop).await;
        self.server.close(|_| false);
        let ended = self.drained(self.generation.config.frontend.timeouts.drain).await;
        self.children.stop().await;
        ended
    }

    /// Lets clients in.
    fn accept(&mut self) {
        let ready = std::mem::take(&mut self.listeners);
        let ownerships: Vec<_> = ready.iter().map(|ready| ready.ownership).collect();
        self.open_listeners(ready);
        self.tls.seed();
        for address in self.left.addresses() {
            tracing::warn!(%address, "a socket that was open already is closed: no [[listen]] has its address");
        }
        let left = std::mem::take(&mut self.left);
        if let Some(predecessor) = self.predecessor.take() {
            predecessor.relieve(&left);
            self.keep_listeners(&ownerships);
        }
        self.keep(false);
    }

    fn open_listeners(&mut self, ready: Vec<Ready>) {
        for ready in ready {
            let Ready {
                config,
                listener,
                acceptor,
                ..
            } = ready;
            let systemd = (listener.lender() == Some(Lender::Manager)).then_some("systemd");
            tracing::info!(address = %listener.address(), opened_by = systemd, "listening");
            self.server.open(config, listener, acceptor);
        }
    }

    /// What was lent is ours now, and as our configuration wants it.
    fn keep_listeners(&mut self, ownerships: &[Ownership]) {
        for (listening, ownership) in self.server.listening().iter().zip(ownerships) {
            listening.listener.keep();
            reload::adjust(&listening.listener, listening.config(), ownership);
        }
    }

    /// Waits for open exchanges, at most for `limit`.
    async fn drained(&mut self, limit: Duration) -> Ended {
        let _ = tokio::time::timeout(limit, self.empty()).await;
        self.ended()
    }

    /// Waits until the last client has left, and those applications have finished that may do so without one.
    async fn empty(&mut self) {
        self.server.empty().await;
        self.generation.relays.finished().await;
    }

    fn ended(&self) -> Ended {
        match self.server.connections().max(self.generation.relays.running()) {
            0 => Ended::Drained,
            left => Ended::Cut(left),
        }
    }
}

/// Lets the runtime see sockets that listen.
fn ready(added: Vec<Added>, tls: &Tls, config: &TlsConfig) -> Result<Vec<Ready>> {
    let ready = added.into_iter().map(|added| {
        anyhow::Ok(Ready {
            acceptor: tls.acceptor(&added.config, config)?,
            config: added.config,
            ownership: added.ownership,
            listener: Listener::new(added.socket)?,
        })
    });
    ready.collect::<Result<_>>().context("cannot listen")
}
