//! The access logs of routes, through reloads.

use std::io;
use std::sync::Arc;

use crate::config::Config;
use crate::telemetry::config::Target;
use crate::telemetry::{AccessLog, Guard, Opened, Sink};

/// The logs that routes have of their own. One that no route wants any more stays until the reload after that: what is
/// under way may still write to it.
#[derive(Default)]
pub(super) struct SiteLogs {
    open: Vec<SiteLog>,
}

struct SiteLog {
    target: Target,
    sink: Sink,
    guard: Guard,
    /// A route of the configuration in force has it.
    wanted: bool,
}

/// What the logs are going to be; everything that can fail has succeeded.
pub(super) struct PreparedSiteLogs {
    added: Vec<SiteLog>,
    wanted: Vec<Target>,
}

/// The places of the access logs that routes have of their own, each once. Not among them is that of all others.
pub(super) fn targets(config: &Config) -> Vec<Target> {
    let mut targets = Vec::new();
    for route in &config.frontend.routes {
        let target = route.log.as_ref().and_then(|log| log.access.access.as_ref());
        if let Some(target) = target.filter(|target| **target != Target::Off && **target != config.log.access)
            && !targets.contains(target)
        {
            targets.push(target.clone());
        }
    }
    targets
}

impl SiteLogs {
    /// The places that are open.
    pub(super) fn targets(&self) -> Vec<Target> {
        self.open.iter().map(|log| log.target.clone()).collect()
    }

    /// Those of them that routes have.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Target> {
        let wanted = self.open.iter().filter(|log| log.wanted);
        wanted.map(|log| &log.target)
    }

    /// What another configuration makes of them; `opened` were opened for it.
    pub(super) fn prepare(config: &Config, opened: Vec<(Target, Opened)>) -> io::Result<PreparedSiteLogs> {
        let added = opened.into_iter().map(|(target, opened)| {
            let (sink, guard) = Sink::start_watched(opened)?;
            Ok(SiteLog {
                target,
                sink,
                guard,
                wanted: true,
            })
        });
        Ok(PreparedSiteLogs {
            added: added.collect::<io::Result<_>>()?,
            wanted: targets(config),
        })
    }

    /// What the requests of each route are logged with; `None`: as all others, with `main`.
    pub(super) fn access(
        &self,
        prepared: &PreparedSiteLogs,
        config: &Config,
        main: &AccessLog,
    ) -> Box<[Option<Arc<AccessLog>>]> {
        let find = |target: &Target| {
            let mut logs = self.open.iter().chain(&prepared.added);
            logs.find(|log| log.target == *target).map(|log| log.sink.clone())
        };
        let routes = config.frontend.routes.iter().map(|route| {
            let own = route.log.as_ref()?.access.over(&config.log);
            let sink = match &own.access {
                Target::Off => None,
                target if *target == config.log.access => main.sink().cloned(),
                target => find(target),
            };
            Some(Arc::new(AccessLog::new(sink, &own)))
        });
        routes.collect()
    }

    /// Goes on as prepared.
    pub(super) fn commit(&mut self, prepared: PreparedSiteLogs) {
        let PreparedSiteLogs { added, wanted } = prepared;
        let (stay, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|log| log.wanted || wanted.contains(&log.target));
        self.open = stay;
        for log in &mut self.open {
            log.wanted = wanted.contains(&log.target);
        }
        self.open.extend(added);
        let guards: Vec<_> = gone.into_iter().map(|log| log.guard).collect();
        if !guards.is_empty() {
            // They write out what waits, which is not to be waited for. Without the thread it is all the same.
            let thread = std::thread::Builder::new().name("bridgehead-log".to_owned());
            let _ = thread.spawn(move || drop(guards));
        }
    }

    /// Writes from now on to the file that was opened again.
    pub(super) fn switch(&self, target: &Target, opened: Opened) {
        if let Some(log) = self.open.iter().find(|log| log.target == *target) {
            log.sink.switch(opened);
        }
    }
}
