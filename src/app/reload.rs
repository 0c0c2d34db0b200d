//! Another configuration for a running gateway: all of it, or nothing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{App, Generation, descriptors};
use crate::config::{Config, Server};
use crate::frontend;
use crate::frontend::server::Listening;
use crate::telemetry::log::ErrorLog;
use crate::transport::{Inherited, Listener};
use crate::upstream::Upstream;
use crate::upstream::care::Care;

impl App {
    /// Goes on with another configuration. Everything that can fail comes first; after a failure nothing has changed.
    ///
    /// Requests take it from the next one on, also on kept connections; what is under way ends as it began.
    pub(super) fn reload(&mut self, mut config: Config, error_log: Option<&ErrorLog>) -> Result<()> {
        keep_what_needs_a_restart(&self.generation.config.server, &mut config.server);
        let errors = self.error_log_for(&config, error_log)?;
        let access = self
            .logs
            .prepare(&config.log)
            .context("cannot open the access log")?;
        let mut generation = self.generation.next(config, access.access(), &self.counters)?;
        let plan = Plan::new(self.server.listening(), &generation.config.frontend.listeners)?;

        if let (Some(log), Some(errors)) = (error_log, errors) {
            log.switch(errors);
        }
        self.logs.commit(access);
        self.change_listeners(plan);
        let connection_limit = descriptors::connection_limit(generation.config.frontend.max_connections);
        generation.take_effect();
        self.server.replace(generation.service.clone(), connection_limit);
        let before = std::mem::replace(&mut self.generation, generation);
        self.retire(&before);
        Ok(())
    }

    /// The error log, when it is to change.
    fn error_log_for(
        &self,
        config: &Config,
        error_log: Option<&ErrorLog>,
    ) -> Result<Option<crate::telemetry::log::Prepared>> {
        let (old, new) = (&self.generation.config.log, &config.log);
        if error_log.is_none() || (&old.error, old.level) == (&new.error, new.level) {
            return Ok(None);
        }
        Ok(Some(ErrorLog::prepare(&new.error, new.level)?))
    }

    /// Opens and closes listening, and changes what stays.
    fn change_listeners(&mut self, plan: Plan) {
        let Plan { stay, added } = plan;
        for (listening, config) in self.server.listening_mut().iter_mut().zip(&stay) {
            if let Some(config) = config
                && *config != listening.config
            {
                adjust(&listening.listener, config);
                listening.config = config.clone();
            }
        }
        let mut stay = stay.iter();
        self.server.close(|listening| {
            let stays = stay.next().is_some_and(Option::is_some);
            if !stays {
                tracing::info!(address = %listening.listener.address(), "no longer listening");
            }
            stays
        });
        for (config, listener) in added {
            tracing::info!(address = %listener.address(), "listening");
            self.server.open(config, listener);
        }
    }

    /// Gives what is under way at upstreams that are gone its time.
    fn retire(&self, before: &Generation) {
        let limit = self.generation.config.frontend.timeouts.generation;
        for (upstream, care) in before.gone(&self.generation) {
            if care.is_some() {
                upstream.leave();
            }
            tokio::spawn(end_after(limit, Arc::downgrade(upstream), care.cloned()));
        }
    }
}

/// Does not keep the upstream: it ends with its last exchange.
async fn end_after(limit: Duration, upstream: Weak<Upstream>, care: Option<Arc<Care>>) {
    tokio::time::sleep(limit).await;
    drop(care);
    if let Some(upstream) = upstream.upgrade() {
        tracing::info!(upstream = %upstream.name(), "ending what an earlier configuration began");
        upstream.retired().set();
    }
}

/// What becomes of the listening.
struct Plan {
    /// For each listening what it is to be like, or that it goes.
    stay: Vec<Option<frontend::config::Listener>>,
    added: Vec<(frontend::config::Listener, Listener)>,
}

impl Plan {
    /// Doors are known by their addresses. New ones are opened, and let nobody in yet.
    fn new(listening: &[Listening], wanted: &[frontend::config::Listener]) -> Result<Self> {
        let mut stay = vec![None; listening.len()];
        let mut added = Vec::new();
        for config in wanted {
            let same = |(listening, stays): &(&Listening, &mut Option<_>)| {
                stays.is_none() && listening.config.address == config.address
            };
            match listening.iter().zip(&mut stay).find(same) {
                Some((_, stays)) => *stays = Some(config.clone()),
                None => added.push(config.clone()),
            }
        }
        let nothing = &mut Inherited::default();
        let open = |config: frontend::config::Listener| {
            let listener = Listener::open(&config.address, config.backlog, &config.access, nothing);
            listener.map(|listener| (config, listener))
        };
        let added = added.into_iter().map(open).collect::<Result<_, _>>();
        Ok(Self {
            stay,
            added: added.context("cannot listen")?,
        })
    }
}

/// Gives a listener that is open its settings.
pub(super) fn adjust(listener: &Listener, config: &frontend::config::Listener) {
    if listener.is_shared() {
        // It is as its owner wants it.
        return;
    }
    let queued = listener.queue(config.backlog);
    if let Err(error) = queued.and_then(|()| listener.admit(&config.access)) {
        tracing::error!(%error, "the listener stays as it was");
    }
}

/// These are as they were when the process started, and that is told each time.
fn keep_what_needs_a_restart(old: &Server, new: &mut Server) {
    let Server {
        workers,
        spool: _,
        resolver: _,
        pid_file,
        user,
        group,
    } = old;
    let changed = [
        ("workers", new.workers != *workers),
        ("pid_file", new.pid_file != *pid_file),
        ("user", new.user != *user),
        ("group", new.group != *group),
    ];
    for (setting, _) in changed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!(setting, "the change takes effect after SIGUSR2 or a restart");
    }
    new.workers = *workers;
    new.pid_file.clone_from(pid_file);
    new.user.clone_from(user);
    new.group.clone_from(group);
}
