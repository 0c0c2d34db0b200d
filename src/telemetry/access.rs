//! The access log: one line a request.

use jiff::tz::TimeZone;

use super::clock::Clock;
use super::config::Format;
use super::line::Entry;
use super::sink::Sink;

/// Formats entries and hands them to a sink. Clone-free: share it.
#[derive(Debug)]
pub struct AccessLog {
    sink: Option<Sink>,
    format: Format,
    clock: Clock,
}

impl AccessLog {
    /// A log into a sink that is open; off without one.
    pub fn new(sink: Option<Sink>, format: Format) -> Self {
        Self {
            sink,
            format,
            clock: Clock::new(TimeZone::system()),
        }
    }

    /// Whether anything is logged at all: nobody needs to make an entry otherwise.
    pub fn is_on(&self) -> bool {
        self.sink.is_some()
    }

    /// Logs one request. `scratch` is emptied, used and left for the next call: a caller that keeps it allocates
    /// nothing.
    pub fn write(&self, entry: &Entry<'_>, scratch: &mut Vec<u8>) {
        if let Some(sink) = &self.sink {
            scratch.clear();
            let stamp = self.clock.stamp(entry.ended);
            entry.append(self.format, &stamp, scratch);
            sink.push(scratch);
        }
    }

    /// Lines lost so far.
    pub fn dropped(&self) -> u64 {
        self.sink.as_ref().map_or(0, Sink::dropped)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Instant;

    use jiff::Timestamp;

    use super::*;
    use crate::telemetry::Opened;
    use crate::telemetry::line::Phases;

    fn entry() -> Entry<'static> {
        Entry {
            ended: Instant::now(),
            remote: None,
            method: "GET",
            target: b"/",
            version: "HTTP/2.0",
            status: 200,
            request_bytes: 0,
            response_bytes: 0,
            referer: None,
            user_agent: None,
            id: 1,
            phases: Phases::default(),
            upstream: None,
            reason: None,
        }
    }

    #[test]
    fn each_entry_becomes_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let (sink, guard) = Sink::start(Opened::new(File::create(&path).unwrap())).unwrap();
        let log = AccessLog::new(Some(sink), Format::Json);
        let mut scratch = b"left over".to_vec();
        log.write(&entry(), &mut scratch);
        log.write(&entry(), &mut scratch);
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
    fn off_costs_nothing() {
        let log = AccessLog::new(None, Format::Combined);
        let mut scratch = Vec::new();
        log.write(&entry(), &mut scratch);
        assert!(!log.is_on() && scratch.capacity() == 0);
    }
}
