//! The applications of the configuration in force.

mod endpoints;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::frontend::Service;
use crate::process::{Application, Helper, Outcome, Place, RuntimeDir};
use crate::upstream::admit::Registry;
pub(super) use endpoints::AppEndpoints;
use traffic::Requests;

/// Applications that run, by their names.
pub(super) struct Children {
    helper: Helper,
    /// `None`: no configuration had an application so far.
    dir: Option<Arc<RuntimeDir>>,
    requests: Arc<Requests>,
    applications: BTreeMap<String, Application>,
    /// Those that have left the configuration, while they end.
    leaving: JoinSet<()>,
}

/// Where each application is now.
pub(super) type Places = BTreeMap<String, watch::Receiver<Option<Place>>>;

impl Children {
    /// None yet.
    pub(super) fn new(service: &Arc<Service>, registry: &Arc<Registry>) -> Self {
        Self {
            helper: Helper::ours(&[crate::process::helper::COMMAND]),
            dir: None,
            requests: Arc::new(Requests::new(service.clone(), registry.clone())),
            applications: BTreeMap::new(),
            leaving: JoinSet::new(),
        }
    }

    /// Whether there is a directory for what they need.
    pub(super) fn has_dir(&self) -> bool {
        self.dir.is_some()
    }

    /// These are to run from now on: those that are new start, those with other settings have another generation, and those
    /// that are gone end once their requests are answered. `dir`: for the first of them.
    pub(super) fn change(&mut self, config: &Config, dir: Option<RuntimeDir>, service: &Arc<Service>) {
        self.requests.serve(service.clone(), config);
        if let Some(dir) = dir {
            self.dir.get_or_insert_with(|| Arc::new(dir));
        }
        let Some(dir) = self.dir.clone() else { return };
        let mut before = std::mem::take(&mut self.applications);
        for config in &config.apps {
            let application = match before.remove(&config.name) {
                Some(mut application) => {
                    if application.config() != config {
                        application.renew(config.clone(), None);
                    }
                    application
                }
                None => Application::start(config.clone(), &self.helper, &dir, &self.requests),
            };
            self.applications.insert(config.name.clone(), application);
        }
        for application in before.into_values() {
            tracing::info!(app = application.config().name, "no longer in the configuration");
            self.leave(application);
        }
    }

    /// Starts another generation of an application; `answer` is for what comes of it, in words.
    pub(super) fn restart(&mut self, name: &str, answer: Outcome) {
        match self.applications.get_mut(name) {
            Some(application) => {
                let config = application.config().clone();
                application.renew(config, Some(answer));
            }
            None => {
                let known: Vec<_> = self.applications.keys().map(String::as_str).collect();
                let known = known.join(", ");
                let _ = answer.send(Err(format!(
                    "there is no application `{name}`; there are: {known}"
                )));
            }
        }
    }

    /// Where they are.
    pub(super) fn places(&self) -> Places {
        let places = self.applications.iter();
        places
            .map(|(name, application)| (name.clone(), application.place()))
            .collect()
    }

    /// Waits until each of them serves.
    pub(super) async fn ready(&self) {
        for mut place in self.places().into_values() {
            // What ends is not waited for.
            let _ = place.wait_for(Option::is_some).await;
        }
    }

    /// Ends all of them: each as its own deadlines say.
    pub(super) async fn stop(&mut self) {
        for application in std::mem::take(&mut self.applications).into_values() {
            self.leaving.spawn(application.stop());
        }
        while self.leaving.join_next().await.is_some() {}
    }

    /// Ends an application once no request is under way there.
    fn leave(&mut self, application: Application) {
        while self.leaving.try_join_next().is_some() {}
        let (requests, limit) = (self.requests.clone(), application.config().timeouts.drain);
        self.leaving.spawn(async move {
            let place = application.place().borrow().clone();
            if let Some(place) = place {
                let _ = tokio::time::timeout(limit, requests.unused(&place.address)).await;
            }
            application.stop().await;
        });
    }
}
