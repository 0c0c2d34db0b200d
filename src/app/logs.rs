//! The access log, through reloads.

use std::io;
use std::sync::Arc;

use crate::telemetry::{AccessLog, Guard, LogConfig, Opened, Sink};

/// The access log. Once it was on, its sink stays: what is under way may still write to it.
pub(super) struct Logs {
    sink: Option<(Sink, Guard)>,
    access: Arc<AccessLog>,
}

/// What the access log is going to be; everything that can fail has succeeded.
pub(super) struct PreparedAccessLog {
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

impl PreparedAccessLog {
    /// What requests will be logged with.
    pub(super) fn access(&self) -> &Arc<AccessLog> {
        &self.access
    }
}

impl Logs {
    /// Writes to what was opened; nothing was for a log that is off.
    pub(super) fn start(config: &LogConfig, opened: Option<Opened>) -> io::Result<Self> {
        let sink = opened.map(Sink::start_watched).transpose()?;
        let clone = sink.as_ref().map(|(sink, _)| sink.clone());
        Ok(Self {
            sink,
            access: Arc::new(AccessLog::new(clone, config)),
        })
    }

    /// What requests are logged with.
    pub(super) fn access(&self) -> &Arc<AccessLog> {
        &self.access
    }

    /// What another configuration makes of it; `target` was opened for it, or it has the same one.
    pub(super) fn prepare(
        &self,
        config: &LogConfig,
        target: Option<Option<Opened>>,
    ) -> io::Result<PreparedAccessLog> {
        let (target, sink) = self.sink_for(target)?;
        Ok(PreparedAccessLog {
            target,
            access: Arc::new(AccessLog::new(sink, config)),
        })
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
    }

    /// Writes from now on to the file that was opened again.
    pub(super) fn switch(&self, opened: Opened) {
        if let Some((sink, _)) = &self.sink {
            sink.switch(opened);
        }
    }
}
