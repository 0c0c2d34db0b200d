//! A request and its answer, as the application sees them, whatever the protocol is.
//!
//! Here is what a server owes to HTTP on behalf of any application: no line ends in fields, no body where there must be
//! none, and never more than the Content-Length that was announced.

use super::stop::Stop;
use super::{Fault, Variables};
use crate::reference::Seeded;

/// What a protocol does for an exchange.
pub(super) trait Transport {
    /// The first lines of a head with this status.
    fn status(&self, status: u16) -> Vec<u8>;

    /// The whole body: CONTENT_LENGTH bytes, or what there is without it.
    fn body(&mut self) -> Result<Vec<u8>, Stop>;

    /// Sends output.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Stop>;

    /// Sends a message for the log, where the protocol has a place for it.
    fn log(&mut self, text: &[u8]) -> Result<(), Stop>;
}

/// A field of an answer.
pub(super) type Field = (String, String);

/// One request and its answer.
pub(super) struct Exchange<'a> {
    pub(super) transport: &'a mut dyn Transport,
    pub(super) variables: &'a Variables,
    pub(super) fault: Seeded<Fault>,
    /// Whether the head has been sent.
    started: bool,
    /// Bytes of the announced length that are still to come.
    remaining: Option<usize>,
    bodyless: bool,
    /// What a CGI program would return.
    pub(super) exit_status: u8,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        transport: &'a mut dyn Transport,
        variables: &'a Variables,
        fault: Seeded<Fault>,
    ) -> Self {
        Self {
            transport,
            variables,
            fault,
            started: false,
            remaining: None,
            bodyless: false,
            exit_status: 0,
        }
    }

    pub(super) fn has_started(&self) -> bool {
        self.started
    }

    pub(super) fn variable(&self, name: &str) -> &'a [u8] {
        self.variables.get(name.as_bytes()).map_or(&[], Vec::as_slice)
    }

    /// A number of the query; numbers that cannot be read are absent.
    pub(super) fn number(&self, name: &str, default: usize) -> usize {
        let query = String::from_utf8_lossy(self.variable("QUERY_STRING")).into_owned();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut found = pairs.filter(|(known, _)| *known == name);
        found
            .next()
            .and_then(|(_, text)| text.parse().ok())
            .unwrap_or(default)
    }

    /// A whole answer with its length.
    pub(super) fn answer(&mut self, status: u16, fields: &[Field], body: &[u8]) -> Result<(), Stop> {
        let length = ("Content-Length".to_owned(), body.len().to_string());
        let all = match is_bodyless(status) {
            true => fields.to_vec(),
            false => [fields, &[length]].concat(),
        };
        self.start(status, &all)?;
        self.write(body)
    }

    /// Sends the head. A Content-Length in it is kept.
    pub(super) fn start(&mut self, status: u16, fields: &[Field]) -> Result<(), Stop> {
        let breaks =
            |(name, value): &Field| [name, value].iter().any(|text| text.contains(['\r', '\n', '\0']));
        if fields.iter().any(breaks) && !self.fault.is(Fault::InjectionPassed) {
            return Err(Stop::Died);
        }
        let mut head = self.transport.status(status);
        for (name, value) in fields {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        let length = fields.iter().find(|(name, _)| name == "Content-Length");
        self.remaining = length.and_then(|(_, text)| text.parse().ok());
        let head_only = self.variable("REQUEST_METHOD") == b"HEAD" || is_bodyless(status);
        self.bodyless = head_only && !self.fault.is(Fault::BodyAlways);
        self.started = true;
        self.transport.write(&head)
    }

    /// Sends a piece of the body.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if self.bodyless {
            return Ok(());
        }
        let taken = match &mut self.remaining {
            Some(remaining) if !self.fault.is(Fault::OverrunSent) => {
                let taken = bytes.len().min(*remaining);
                *remaining -= taken;
                taken
            }
            _ => bytes.len(),
        };
        self.transport.write(&bytes[..taken])
    }

    /// The answer is over; an error when less came than was announced.
    pub(super) fn finish(&self) -> Result<(), Stop> {
        match self.remaining {
            Some(missing) if missing > 0 && !self.bodyless => Err(Stop::Died),
            _ => Ok(()),
        }
    }
}

/// RFC 9110, section 6.4.1.
fn is_bodyless(status: u16) -> bool {
    matches!(status, 204 | 304)
}
