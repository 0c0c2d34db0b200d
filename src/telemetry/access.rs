//! The access log: one line a request.

use std::cell::RefCell;

use jiff::tz::TimeZone;

use super::clock::Clock;
use super::config::{Escape, Format, LogConfig, Selection};
use super::observer::{Finished, Observer};
use super::redaction::Redaction;
use super::sink::Sink;

thread_local! {
    /// Where lines are made.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Formats entries and hands them to a sink. Clone-free: share it.
#[derive(Debug)]
pub struct AccessLog {
    sink: Option<Sink>,
    format: Format,
    escape: Escape,
    /// Which requests have a line, unless all do.
    selection: Option<Box<Selection>>,
    redaction: Redaction,
    clock: Clock,
}

impl AccessLog {
    /// A log into a sink that is open, in the form that is configured; off without a sink.
    pub fn new(sink: Option<Sink>, config: &LogConfig) -> Self {
        Self {
            sink,
            format: config.access_format.clone(),
            escape: config.escape,
            selection: (config.selection != Selection::default()).then(|| Box::new(config.selection.clone())),
            redaction: config.redaction.clone(),
            clock: Clock::new(TimeZone::system()),
        }
    }

    /// Whether anything is logged at all.
    pub fn is_on(&self) -> bool {
        self.sink.is_some()
    }

    /// Where its lines go, unless it is off.
    pub fn sink(&self) -> Option<&Sink> {
        self.sink.as_ref()
    }

    /// What no log shows.
    pub fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    fn takes(&self, request: &Finished<'_>) -> bool {
        let selection = self.selection.as_ref();
        selection.is_none_or(|selection| selection.takes(request.status, request.request.id()))
    }

    #[inline(never)] // where there is no log, there is nothing of it
    fn write(&self, request: &Finished<'_>, sink: &Sink) {
        if !self.takes(request) {
            return;
        }
        let stamp = self.clock.stamp(request.timeline.since());
        SCRATCH.with_borrow_mut(|line| {
            line.clear();
            request.append(&self.format, self.escape, &stamp, line);
            sink.push(line);
        });
    }
}

impl Observer for AccessLog {
    #[inline]
    fn finished(&self, request: &Finished<'_>) {
        if let Some(sink) = &self.sink {
            self.write(request, sink);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Instant;

    use jiff::Timestamp;

    use super::*;
    use crate::telemetry::Opened;
    use crate::telemetry::config::Statuses;
    use crate::telemetry::observer::samples::{Asked, finished};
    use crate::telemetry::timeline::Timeline;

    #[test]
    fn each_entry_becomes_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let (sink, guard) = Sink::start(Opened::new(File::create(&path).unwrap(), "a file")).unwrap();
        let config = LogConfig {
            access_format: Format::Json,
            ..LogConfig::default()
        };
        let log = AccessLog::new(Some(sink), &config);
        let timeline = Timeline::new(Instant::now());
        let asked = Asked::default();
        log.finished(&finished(&asked, &timeline));
        log.finished(&finished(&asked, &timeline));
        drop(guard);
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().count(), 2);
        for line in text.lines() {
            let time = line.strip_prefix("{\"time\":\"").unwrap();
            let (time, rest) = time.split_once('"').unwrap();
            assert!(time.parse::<Timestamp>().is_ok() && time.len() == "1970-01-01T00:00:00.000Z".len());
            assert!(rest.starts_with(",\"method\":\"GET\","), "{line}");
        }
    }

    #[test]
    fn only_what_is_selected_has_a_line() {
        let statuses = |first, last| Statuses { first, last };
        let selection = |status: &[Statuses], sample| Selection {
            status: status.to_vec(),
            sample,
        };
        assert!(Selection::default().takes(200, 7));
        let errors = selection(&[statuses(404, 404), statuses(500, 599)], 1);
        assert_eq!(
            [200, 404, 405, 500, 599].map(|status| errors.takes(status, 0)),
            [false, true, false, true, true]
        );
        let some = selection(&[], 10);
        let taken = (0..1000).filter(|id| some.takes(200, *id)).count();
        assert_eq!(taken, 100);
    }

    #[test]
    fn a_log_that_is_off_takes_no_line() {
        let log = AccessLog::new(None, &LogConfig::default());
        log.finished(&finished(&Asked::default(), &Timeline::new(Instant::now())));
        assert!(!log.is_on());
    }
}
