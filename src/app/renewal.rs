//! Certificates that are renewed while the gateway runs: their files are looked at once in a while.

use std::future::pending;
use std::pin::{Pin, pin};
use std::time::Duration;

use anyhow::Result;

use super::App;
use crate::transport::tls::Refreshed;

/// The next look at the files, after a pause. Dropped: it is not waited for any more.
#[derive(Default)]
pub(super) struct Renewal(Option<Look>);

/// What it shows; `None`: nothing has changed.
type Look = Pin<Box<dyn Future<Output = Result<Option<Refreshed>>> + Send>>;

impl Renewal {
    /// Of the files that the gateway uses now; never, if it uses none, or is not to look.
    pub(super) fn of(app: &App) -> Self {
        let config = &app.generation.config;
        let pause = config.tls.watch;
        let listeners = config
            .frontend
            .listeners
            .iter()
            .any(|listener| listener.tls.is_some());
        let secure = listeners
            || config
                .upstreams
                .iter()
                .any(|upstream| upstream.secure().is_some());
        match pause.is_zero() || !secure {
            true => Self(None),
            false => Self::after(pause, app),
        }
    }

    /// At once.
    pub(super) fn now(app: &App) -> Self {
        Self::after(Duration::ZERO, app)
    }

    fn after(pause: Duration, app: &App) -> Self {
        let config = &app.generation.config;
        let (material, opener) = (app.tls.material.clone(), app.opener.clone());
        let limit = config.frontend.timeouts.open;
        Self(Some(Box::pin(async move {
            tokio::time::sleep(pause).await;
            let looking = opener.begin(limit, move |progress| {
                progress.at("the certificates", "[tls] watch", "that are in use");
                Ok(material.refreshed())
            });
            looking?.outcome().await
        })))
    }

    /// What the look shows.
    pub(super) async fn next(&mut self) -> Result<Option<Refreshed>> {
        match &mut self.0 {
            Some(next) => {
                let refreshed = next.await;
                self.0 = None;
                refreshed
            }
            None => pending().await,
        }
    }
}

impl App {
    /// Looks at the files once in a while, until something else is over.
    pub(super) async fn renew_until(&mut self, over: impl Future<Output = ()>) {
        let mut over = pin!(over);
        loop {
            let mut renewal = Renewal::of(self);
            tokio::select! {
                () = &mut over => return,
                refreshed = renewal.next() => self.renewed(refreshed),
                () = self.keeping.changed() => {
                    let refreshed = Renewal::now(self).next().await;
                    self.renewed(refreshed);
                }
            }
        }
    }

    /// Goes on with the certificates that the files hold now. What cannot be used is told; the one before stays.
    pub(super) fn renewed(&mut self, refreshed: Result<Option<Refreshed>>) {
        let refreshed = match refreshed {
            Ok(Some(refreshed)) => refreshed,
            Ok(None) => return,
            Err(error) => {
                return tracing::warn!(error = format!("{error:#}"), "cannot look at the certificates");
            }
        };
        for error in &refreshed.errors {
            tracing::error!(%error, "what is in the files cannot be used: the certificate before stays");
        }
        let tls = self.tls.with(refreshed.material);
        let config = &self.generation.config.tls;
        let listening = self.server.listening().iter();
        let acceptors = listening.map(|listening| tls.acceptor(listening.config(), config));
        match acceptors.collect() {
            Ok(acceptors) => {
                self.server.secure(acceptors, config.max_handshakes);
                tls.equip(&self.generation.upstreams);
                self.counters.certificates.set(tls.material.certificates());
                self.tls = tls;
                if refreshed.renewed > 0 {
                    tracing::info!(count = refreshed.renewed, "certificates read again");
                }
            }
            Err(error) => tracing::error!(error = format!("{error:#}"), "the certificates stay as they were"),
        }
    }
}
