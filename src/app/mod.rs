//! The composition root: from a checked configuration to a running gateway.
//!
//! The only module that sees everything. [`App::start`] opens sockets, logs and roots and fails before anything is
//! served; [`App::run`] serves until a signal ends it.
//!
//! While it runs, a signal may have the configuration read again (`reload`) or the whole program replaced
//! (`replacement`, and `inheritance` on the other side of it). Both prepare everything that can fail first: until that
//! has succeeded, nothing has changed.

mod descriptors;
pub mod explain;
mod generation;
mod handover;
mod identity;
mod inheritance;
mod logs;
mod notify;
mod pid_file;
mod reload;
mod replacement;
mod run;
mod runtime;
mod signals;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::config::Config;
use crate::frontend::{self, Server};
use crate::telemetry::Counters;
use crate::telemetry::config::Target;
use crate::transport::{Address, Inherited, Listener};
use crate::upstream::Upstream;

pub use descriptors::raise_limit;
use generation::Generation;
use identity::Identity;
pub use inheritance::Inheritance;
use inheritance::Predecessor;
use logs::Logs;
use pid_file::PidFile;
pub use replacement::Program;
pub use run::Means;
pub use runtime::runtime;

/// A gateway that is ready to serve.
pub struct App {
    /// Bound, and nothing is accepted on them yet.
    listeners: Vec<(frontend::config::Listener, Listener)>,
    server: Server,
    generation: Generation,
    counters: Arc<Counters>,
    /// What was inherited and nobody asked for; closed when we serve.
    left: Inherited,
    predecessor: Option<Predecessor>,
    pid_file: Option<PidFile>,
    /// Writes the last lines when it is dropped, which is after everything else.
    logs: Logs,
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
    pub fn build(config: Config) -> Result<Self> {
        Self::start(config, &mut Inheritance::default())
    }

    /// The same, with what another process has opened for us. Afterwards the process is the user that `[server]` names.
    /// After a failure it is left to the caller to tell that process.
    pub fn start(config: Config, inheritance: &mut Inheritance) -> Result<Self> {
        let mut left = std::mem::take(&mut inheritance.sockets);
        let logs = Logs::open(&config.log).context("cannot open the access log")?;
        let counters = Arc::new(Counters::default());
        let listeners = listen(&config.frontend, &mut left)?;
        let mut pid_file = become_user(&config)?;
        // From here on as the user who serves: a root that it may not read is told now.
        let generation = Generation::first(config, logs.access(), &counters)?;
        let config = &generation.config;
        if let (None, Some(path)) = (&pid_file, &config.server.pid_file) {
            pid_file = Some(PidFile::write(path)?);
        }
        let connection_limit = descriptors::connection_limit(config.frontend.max_connections);
        Ok(Self {
            listeners,
            server: Server::new(generation.service.clone(), connection_limit),
            generation,
            counters,
            left,
            predecessor: inheritance.predecessor.take(),
            pid_file,
            logs,
        })
    }

    /// Where it listens, with the real ports.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let bound = self.listeners.iter().map(|(_, listener)| listener.address());
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
        let on_disk = self.generation.relays.spools().bytes_on_disk();
        self.counters.spool_bytes.set(on_disk);
        &self.counters
    }

    /// Serves until `stop` resolves, then drains: for embedding, without signals.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Ended {
        self.accept();
        stop.await;
        self.server.close(|_| false);
        self.drained(self.generation.config.frontend.timeouts.drain).await
    }

    /// Lets clients in.
    fn accept(&mut self) {
        for (config, listener) in self.listeners.drain(..) {
            tracing::info!(address = %listener.address(), "listening");
            self.server.open(config, listener);
        }
        for address in self.left.addresses() {
            tracing::warn!(%address, "a socket that was open already is closed: no [[listen]] has its address");
        }
        let left = std::mem::take(&mut self.left);
        if let Some(predecessor) = self.predecessor.take() {
            predecessor.relieve(&left);
            self.keep_listeners();
        }
    }

    /// What was lent is ours now, and as our configuration wants it.
    fn keep_listeners(&mut self) {
        for listening in self.server.listening() {
            listening.listener.keep();
            reload::adjust(&listening.listener, &listening.config);
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

/// Opens the listeners, or takes those that are open.
fn listen(
    config: &frontend::Config,
    inherited: &mut Inherited,
) -> Result<Vec<(frontend::config::Listener, Listener)>> {
    let mut open = |config: &frontend::config::Listener| {
        let listener = Listener::open(&config.address, config.backlog, &config.access, inherited)?;
        Ok::<_, anyhow::Error>((config.clone(), listener))
    };
    let listeners = config.listeners.iter().map(&mut open).collect::<Result<_>>();
    listeners.context("cannot listen")
}

/// Becomes the user of `[server]`, if we are not. The pid file is written before that, in a directory that may be
/// root's, and given away with the logs, so that they can be written and opened again.
fn become_user(config: &Config) -> Result<Option<PidFile>> {
    let (user, group) = (config.server.user.as_deref(), config.server.group.as_deref());
    let Some(identity) = Identity::find(user, group)? else {
        return Ok(None);
    };
    let pid_file = config
        .server
        .pid_file
        .as_deref()
        .map(PidFile::write)
        .transpose()?;
    let logs = [&config.log.access, &config.log.error].map(|target| match target {
        Target::File(path) => Some(path.as_path()),
        Target::Stdout | Target::Stderr | Target::Off => None,
    });
    for file in logs
        .into_iter()
        .flatten()
        .chain(pid_file.as_ref().map(PidFile::path))
    {
        identity.give(file)?;
    }
    identity.assume()?;
    tracing::info!(user, group, "privileges given up");
    Ok(pid_file)
}
