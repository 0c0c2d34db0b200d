//! The access log, through reloads.

use std::io;
use std::sync::Arc;

use super::site_logs::{PreparedSiteLogs, SiteLogs};
use crate::config::Config;
use crate::telemetry::config::Target;
use crate::telemetry::{AccessLog, Guard, Opened, Sink};

/// The access log. Once it was on, its sink stays: what is under way may still write to it.
pub(super) struct Logs {
    sink: Option<(Sink, Guard)>,
    access: Arc<AccessLog>,
    sites: SiteLogs,
}

/// What requests are logged with.
pub(super) struct AccessLogs {
    /// All but those of the routes that have a log of their own.
    pub(super) main: Arc<AccessLog>,
    /// Those of each route; `None`: like all others.
    pub(super) routes: Box<[Option<Arc<AccessLog>>]>,
}

/// What the access log is going to be; everything that can fail has succeeded.
pub(super) struct PreparedAccessLog {
    target: Next,
    access: Arc<AccessLog>,
    sites: PreparedSiteLogs,
}

enum Next {
    /// Where the lines go now.
    Same,
    /// Somewhere else, through the sink that is there.
    Switched(Opened),
    /// The first sink.
    First(Sink, Guard),
}

impl Logs {
    /// Writes to what was opened; nothing was for a log that is off.
    pub(super) fn start(
        config: &Config,
        opened: Option<Opened>,
        sites: Vec<(Target, Opened)>,
    ) -> io::Result<(Self, AccessLogs)> {
        let sink = opened.map(Sink::start_watched).transpose()?;
        let clone = sink.as_ref().map(|(sink, _)| sink.clone());
        let mut logs = Self {
            sink,
            access: Arc::new(AccessLog::new(clone, &config.log)),
            sites: SiteLogs::default(),
        };
        let prepared = SiteLogs::prepare(config, sites)?;
        let access = AccessLogs {
            main: logs.access.clone(),
            routes: logs.sites.access(&prepared, config, &logs.access),
        };
        logs.sites.commit(prepared);
        Ok((logs, access))
    }

    /// The logs of routes.
    pub(super) fn sites(&self) -> &SiteLogs {
        &self.sites
    }

    /// What another configuration makes of it; `target` was opened for it, or it has the same one.
    pub(super) fn prepare(
        &self,
        config: &Config,
        target: Option<Option<Opened>>,
        sites: Vec<(Target, Opened)>,
    ) -> io::Result<(PreparedAccessLog, AccessLogs)> {
        let sites = SiteLogs::prepare(config, sites)?;
        let (target, sink) = self.sink_for(target)?;
        let access = Arc::new(AccessLog::new(sink, &config.log));
        let logs = AccessLogs {
            main: access.clone(),
            routes: self.sites.access(&sites, config, &access),
        };
        let prepared = PreparedAccessLog {
            target,
            access,
            sites,
        };
        Ok((prepared, logs))
    }

    fn sink_for(&self, target: Option<Option<Opened>>) -> io::Result<(Next, Option<Sink>)> {
        let ours = self.sink.as_ref().map(|(sink, _)| sink.clone());
        let opened = match target {
            None => return Ok((Next::Same, ours.filter(|_| self.access.is_on()))),
            Some(None) => return Ok((Next::Same, None)),
            Some(Some(opened)) => opened,
        };
        if ours.is_some() {
            return Ok((Next::Switched(opened), ours));
        }
        let (sink, guard) = Sink::start_watched(opened)?;
        Ok((Next::First(sink.clone(), guard), Some(sink)))
    }

    /// Goes on as prepared.
    pub(super) fn commit(&mut self, prepared: PreparedAccessLog) {
        match prepared.target {
            Next::Same => {}
            Next::Switched(opened) => self.switch(opened),
            Next::First(sink, guard) => self.sink = Some((sink, guard)),
        }
        self.access = prepared.access;
        self.sites.commit(prepared.sites);
    }

    /// Writes from now on to the file that was opened again.
    pub(super) fn switch(&self, opened: Opened) {
        if let Some((sink, _)) = &self.sink {
            sink.switch(opened);
        }
    }
}
