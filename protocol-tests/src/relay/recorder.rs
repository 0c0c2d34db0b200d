//! The trace that all connections write.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::tap::Tap;
use crate::decode::Remark;
use crate::protocol::Protocol;
use crate::trace::{Entry, Header, Writer};

/// A trace, and whether it can still be written.
#[derive(Debug)]
pub struct Recorder<W> {
    trace: Mutex<Trace<W>>,
    start: Instant,
    protocol: Protocol,
    secrecy: Secrecy,
}

/// Whether secrets are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Everything is.
    Open,
    /// Cookies, credentials and bodies are blanked.
    Redacted,
}

#[derive(Debug)]
struct Trace<W> {
    writer: Writer<W>,
    /// Why it cannot be written any more. The relay goes on: somebody depends on it.
    broken: Option<io::Error>,
}

impl<W: Write> Recorder<W> {
    /// Begins a trace; the clock starts now.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn begin(out: W, protocol: Protocol, header: &Header) -> io::Result<Self> {
        let trace = Trace {
            writer: Writer::begin(out, header)?,
            broken: None,
        };
        Ok(Self {
            trace: Mutex::new(trace),
            start: Instant::now(),
            protocol,
            secrecy: if header.redacted {
                Secrecy::Redacted
            } else {
                Secrecy::Open
            },
        })
    }

    /// Ends the trace.
    ///
    /// # Errors
    ///
    /// What went wrong with it first.
    pub fn finish(self) -> io::Result<()> {
        let trace = self.trace.into_inner().unwrap_or_else(PoisonError::into_inner);
        trace.broken.map_or(Ok(()), Err)
    }

    /// Adds a line for people.
    pub fn comment(&self, words: &str) {
        self.lock().write(|writer| writer.comment(words));
    }

    pub(super) fn tap(&self, number: u32) -> Tap<'_, W> {
        Tap::new(self, number, self.protocol, self.secrecy)
    }

    pub(super) fn start(&self) -> Instant {
        self.start
    }

    pub(super) fn write(&self, entry: &Entry, remarks: &[Remark]) {
        self.lock().write(|writer| writer.entry(entry, remarks));
    }

    fn lock(&self) -> MutexGuard<'_, Trace<W>> {
        // Entries are written as a whole; nothing is left half done.
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> Trace<W> {
    fn write(&mut self, write: impl FnOnce(&mut Writer<W>) -> io::Result<()>) {
        if self.broken.is_none() {
            self.broken = write(&mut self.writer).err();
        }
    }
}
