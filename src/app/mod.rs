//! The composition root: from a checked configuration to a running gateway.
//!
//! The only module that sees everything. [`App::build`] opens sockets, logs and roots and fails before
//! anything is served; [`App::run`] serves until a signal ends it.

pub mod explain;
mod pid_file;
mod signals;

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::watch;

use crate::config::Config;
use crate::frontend::{self, Route, Service, rejection, server};
use crate::spool::{self, Spools};
use crate::telemetry::log::ErrorLog;
use crate::telemetry::{self, AccessLog, Counters};
use crate::transport::{Address, Listener, Obstacle};
use crate::upstream::Upstream;

use pid_file::PidFile;
use signals::{Signals, Wish};

/// A gateway that is ready to serve.
pub struct App {
    listeners: Vec<Listener>,
    service: Arc<Service>,
    upstreams: Vec<Arc<Upstream>>,
    access: Arc<AccessLog>,
    counters: Arc<Counters>,
    /// Writes the last lines when it is dropped, which is after everything else.
    _access_guard: Option<telemetry::Guard>,
    _pid_file: Option<PidFile>,
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
        let Config {
            server,
            log,
            frontend,
            upstreams,
        } = config;
        let (access, guard) =
            AccessLog::open(&log.access, log.access_format).context("cannot open the access log")?;
        let access = Arc::new(access);
        let counters = Arc::new(Counters::new(rejection::REASONS));
        let upstreams: Vec<_> = upstreams
            .into_iter()
            .map(|config| Arc::new(Upstream::new(config)))
            .collect();
        warn_of_obstacles(&upstreams);
        let spools = Spools::new(spool::Config {
            temp_dir: server.temp_dir,
            disk_total: spool::Config::DISK_TOTAL,
        });
        let service = service(&frontend, &upstreams, spools, access.clone(), counters.clone())?;
        let listeners = listen(&frontend)?;
        let pid_file = server.pid_file.as_deref().map(PidFile::write).transpose()?;
        Ok(Self {
            listeners,
            service,
            upstreams,
            access,
            counters,
            _access_guard: guard,
            _pid_file: pid_file,
        })
    }

    /// Where it listens, with the real ports.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.listeners.iter().map(Listener::address)
    }

    /// The upstreams, in the order of the configuration.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Serves until SIGTERM or SIGQUIT (drain, then stop) or SIGINT (stop at once). SIGUSR1 opens the logs
    /// again.
    ///
    /// Afterwards nothing is served any more. What was cut leaves its lines in the access log as long as the
    /// application exists.
    pub async fn run(&mut self, error_log: Option<&ErrorLog>) -> Result<Ended> {
        let mut signals = Signals::install().context("cannot catch signals")?;
        let (stop, stopped) = watch::channel(false);
        for address in self.addresses() {
            tracing::info!(%address, "listening");
        }
        let listeners = std::mem::take(&mut self.listeners);
        let mut serving = std::pin::pin!(server::run(listeners, self.service.clone(), stopped));
        loop {
            let wish = tokio::select! {
                left = &mut serving => return Ok(ended(left)),
                wish = signals.next() => wish,
            };
            match wish {
                Wish::Drain => {
                    tracing::info!("stopping; waiting for open exchanges");
                    // The receiver lives in `serving`.
                    stop.send_replace(true);
                }
                Wish::Stop => return Ok(ended(open(&self.counters))),
                Wish::Reopen => reopen(&self.access, error_log),
                Wish::Reload => tracing::warn!("SIGHUP ignored: restart to load the configuration again"),
            }
        }
    }

    /// Serves until `stop` resolves, then drains: for embedding, without signals.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Ended {
        let (sender, stopped) = watch::channel(false);
        let mut serving = std::pin::pin!(server::run(self.listeners, self.service, stopped));
        tokio::select! {
            left = &mut serving => return ended(left),
            () = stop => {}
        }
        sender.send_replace(true);
        ended(serving.await)
    }
}

/// A wrong group or a missing directory is better told now than with the first request. An application may well
/// start after us: nothing more than a warning.
fn warn_of_obstacles(upstreams: &[Arc<Upstream>]) {
    for upstream in upstreams {
        for endpoint in upstream.endpoints() {
            if let Address::Unix(path) = &endpoint.config.address
                && let Some(obstacle) = Obstacle::find(path)
            {
                tracing::warn!(upstream = %upstream.name(), %obstacle, "endpoint cannot be reached yet");
            }
        }
    }
}

fn service(
    config: &frontend::Config,
    upstreams: &[Arc<Upstream>],
    spools: Spools,
    access: Arc<AccessLog>,
    counters: Arc<Counters>,
) -> Result<Arc<Service>> {
    let routes = config
        .routes
        .iter()
        .map(|route| Route::open(route.clone(), upstreams));
    let routes = routes.collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Service::new(
        config.clone(),
        routes,
        spools,
        access,
        counters,
    )))
}

fn listen(config: &frontend::Config) -> Result<Vec<Listener>> {
    let bind = |listener: &frontend::config::Listener| Listener::bind(&listener.address, listener.backlog);
    config
        .listeners
        .iter()
        .map(bind)
        .collect::<Result<_, _>>()
        .context("cannot listen")
}

fn reopen(access: &AccessLog, error_log: Option<&ErrorLog>) {
    let outcomes = [
        ("access", access.reopen()),
        ("error", error_log.map_or(Ok(()), ErrorLog::reopen)),
    ];
    for (log, outcome) in outcomes {
        match outcome {
            Ok(()) => tracing::info!(log, "log opened again"),
            Err(error) => tracing::error!(log, %error, "cannot open the log again; the old file stays"),
        }
    }
}

fn ended(left: usize) -> Ended {
    if left == 0 {
        Ended::Drained
    } else {
        Ended::Cut(left)
    }
}

fn open(counters: &Counters) -> usize {
    usize::try_from(counters.connections_open.value()).unwrap_or(usize::MAX)
}
