//! Another configuration for a running gateway: all of it, or nothing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Result;

use super::open::{Held, Open, Opening, Reload, Source};
use super::tls::Tls;
use super::{App, Generation, Ready, descriptors, keeping, ready, threads};
use crate::frontend;
use crate::telemetry::log::ErrorLog;
use crate::transport::tls::{TlsAcceptor, TlsConfig};
use crate::transport::{Listener, Ownership};
use crate::upstream::Upstream;
use crate::upstream::care::Care;

impl App {
    /// Begins to open what the configuration wants now. Nothing changes before [`App::reloaded`].
    pub(super) fn reload(&self, source: &Source, error_log: bool) -> Result<Opening<Reload>> {
        let (source, config) = (source.clone(), self.generation.config.clone());
        let listening = self.server.listening().iter();
        let held = Held {
            config,
            listening: listening
                .map(|listening| Open {
                    address: listening.config().address.clone(),
                    listener: Arc::downgrade(&listening.listener),
                })
                .collect(),
            route_logs: self.logs.sites().targets(),
            error_log,
            material: self.tls.material.clone(),
            dns: self.dns.duplicate()?,
            has_app_dir: self.children.has_dir(),
        };
        let limit = self.generation.config.frontend.timeouts.open;
        self.opener
            .begin(limit, move |progress| Reload::open(&source, &held, progress))
    }

    /// Goes on with another configuration, everything of which is open. What can still fail comes first; after a failure
    /// nothing has changed.
    ///
    /// Requests take it from the next one on, also on kept connections; what is under way ends as it began.
    pub(super) fn reloaded(&mut self, opened: Reload, error_log: Option<&ErrorLog>) -> Result<()> {
        let Reload {
            config,
            access,
            route_logs,
            error,
            listeners,
            roots,
            material,
            own,
            dns,
            app_dir,
        } = opened;
        let access = self.logs.prepare(&config, access, route_logs);
        let (access, logs) = access.map_err(|error| threads::failed("the access log", error))?;
        let mut tls = self.tls.with(material);
        tls.context = keeping::answering(&tls.context, &config.acme);
        let added = ready(listeners.added, &tls, &config.tls)?;
        let acceptors = self.acceptors(&listeners.stay, &tls, &config.tls)?;
        let mut generation = self.generation.next(config, roots, &tls, logs, &self.counters);

        if let (Some(log), Some(error)) = (error_log, error) {
            log.switch(error);
        }
        self.logs.commit(access);
        self.server
            .secure(acceptors, generation.config.tls.max_handshakes);
        self.counters.certificates.set(tls.material.certificates());
        self.tls = tls;
        self.tls.seed();
        self.change_listeners(&listeners.stay, added);
        let connection_limit = descriptors::connection_limit(generation.config.frontend.max_connections);
        self.children
            .change(&generation.config, app_dir, &generation.service);
        generation.take_effect(&self.children.places());
        self.server.replace(generation.service.clone(), connection_limit);
        let before = std::mem::replace(&mut self.generation, generation);
        self.retire(&before);
        self.own = own;
        if let Some(dns) = dns {
            self.dns = dns;
        }
        self.keep(true);
        Ok(())
    }

    /// How the listeners that stay speak TLS. Those that go are left as they are: clients still come through them.
    fn acceptors(
        &self,
        stay: &[Option<(frontend::config::Listener, Ownership)>],
        tls: &Tls,
        config: &TlsConfig,
    ) -> Result<Vec<Option<Arc<TlsAcceptor>>>> {
        let listening = self.server.listening().iter().zip(stay);
        let acceptors = listening.map(|(listening, stays)| match stays {
            Some((stays, _)) => tls.acceptor(stays, config),
            None => self.tls.acceptor(listening.config(), &self.generation.config.tls),
        });
        acceptors.collect()
    }

    /// Opens and closes listeners, and changes what stays.
    fn change_listeners(
        &mut self,
        stay: &[Option<(frontend::config::Listener, Ownership)>],
        added: Vec<Ready>,
    ) {
        for (listening, stays) in self.server.listening_mut().iter_mut().zip(stay) {
            if let Some((config, ownership)) = stays
                && config != listening.config()
            {
                adjust(&listening.listener, config, ownership);
                listening.configure(config.clone());
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
        self.open_listeners(added);
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

/// Gives a listener that is open its settings.
pub(super) fn adjust(listener: &Listener, config: &frontend::config::Listener, ownership: &Ownership) {
    if listener.is_shared() {
        // It is as its owner wants it.
        return;
    }
    let queued = listener.queue(config.backlog);
    if let Err(error) = queued.and_then(|()| listener.give(ownership)) {
        tracing::error!(%error, "the listener stays as it was");
    }
}
