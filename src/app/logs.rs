//! The access log, through reloads.

use std::io;
use std::sync::Arc;

use crate::telemetry::config::Target;
use crate::telemetry::{AccessLog, Config, Guard, Opened, Sink};

/// The access log. Once it was on, its sink stays: what is under way may still write to it.
pub(super) struct Logs {
    config: Config,
    sink: Option<(Sink, Guard)>,
    access: Arc<AccessLog>,
}

/// What the access log is going to be; everything that can fail has succeeded.
pub(super) struct Prepared {
    config: Config,
    target: Next,
    access: Arc<AccessLog>,
}

enum Next {
    /// Where the lines go now.
    Same,
    /// Somewhere else, through the sink that is there.
    Switched(Opened),
    /// The first sink.
    First(Sink, Guard),
}

impl Prepared {
    /// What requests will be logged with.
    pub(super) fn access(&self) -> &Arc<AccessLog> {
        &self.access
    }
}

impl Logs {
    /// Opens it.
    pub(super) fn open(config: &Config) -> io::Result<Self> {
        let sink = Sink::open(&config.access)?;
        let clone = sink.as_ref().map(|(sink, _)| sink.clone());
        Ok(Self {
            config: config.clone(),
            sink,
            access: Arc::new(AccessLog::new(clone, config.access_format)),
        })
    }

    /// What requests are logged with.
    pub(super) fn access(&self) -> &Arc<AccessLog> {
        &self.access
    }

    /// Opens what another configuration wants.
    pub(super) fn prepare(&self, config: &Config) -> io::Result<Prepared> {
        let (target, sink) = self.sink_for(&config.access)?;
        Ok(Prepared {
            config: config.clone(),
            target,
            access: Arc::new(AccessLog::new(sink, config.access_format)),
        })
    }

    fn sink_for(&self, target: &Target) -> io::Result<(Next, Option<Sink>)> {
        let ours = self.sink.as_ref().map(|(sink, _)| sink.clone());
        if *target == self.config.access {
            return Ok((Next::Same, ours.filter(|_| self.access.is_on())));
        }
        let Some(opened) = Opened::open(target)? else {
            return Ok((Next::Same, None));
        };
        if ours.is_some() {
            return Ok((Next::Switched(opened), ours));
        }
        let (sink, guard) = Sink::start(opened)?;
        Ok((Next::First(sink.clone(), guard), Some(sink)))
    }

    /// Goes on as prepared.
    pub(super) fn commit(&mut self, prepared: Prepared) {
        match prepared.target {
            Next::Same => {}
            Next::Switched(opened) => {
                if let Some((sink, _)) = &self.sink {
                    sink.switch(opened);
                }
            }
            Next::First(sink, guard) => self.sink = Some((sink, guard)),
        }
        self.config = prepared.config;
        self.access = prepared.access;
    }
}
