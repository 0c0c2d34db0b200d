//! What `-v` tells: every variable, record and event, on stderr, with the time since the start.

use std::fmt::{Arguments, Display};
use std::time::Instant;

use super::args::Args;
use crate::protocol::params::{self, List, Style};
use crate::protocol::{Event, RequestHead};

/// Tells, if it is to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transcript {
    start: Instant,
    on: bool,
    /// Whether the fields of answers are told; else they are printed, and once is enough.
    fields: bool,
}

impl Transcript {
    /// Times count from now on.
    pub(super) fn begin(args: &Args) -> Self {
        Self {
            start: Instant::now(),
            on: args.verbose,
            fields: args.verbose && !args.include,
        }
    }

    /// The variables of the request, in their order.
    pub(super) fn variables(&self, head: &RequestHead, style: &Style) {
        let mut list = List::default();
        // What cannot be sent is refused, and said, when it is to be sent.
        if !self.on || params::walk(head, style, &mut list).is_err() {
            return;
        }
        for (name, value) in &list.0 {
            eprintln!("> {}={}", text(name), text(value));
        }
    }

    /// The head of a request of HTTP, line by line.
    pub(super) fn request(&self, head: &[u8]) {
        for line in head.split(|byte| *byte == b'\n').filter(|_| self.on) {
            eprintln!("> {}", text(line.trim_ascii_end()));
        }
    }

    /// Something that was sent.
    pub(super) fn sent(&self, what: impl Display) {
        self.line('>', format_args!("{what}"));
    }

    /// Something that was received.
    pub(super) fn received(&self, what: impl Display) {
        self.line('<', format_args!("{what}"));
    }

    /// Something that happened.
    pub(super) fn note(&self, what: Arguments<'_>) {
        self.line('*', what);
    }

    /// What the bytes mean.
    pub(super) fn event(&self, event: &Event) {
        match event {
            Event::Head(head) => {
                self.note(format_args!("head: {}", head.status));
                for field in head.fields.iter().filter(|_| self.fields) {
                    eprintln!("< {}: {}", text(field.spelling), text(field.value));
                }
                if let Some(length) = head.length {
                    self.note(format_args!("a body of {length} bytes follows"));
                }
            }
            Event::Interim(head) => self.note(format_args!("interim answer: {}", head.status)),
            Event::Trailers(fields) => self.note(format_args!("trailers: {}", fields.len())),
            Event::Switched => self.note(format_args!("another protocol")),
            Event::Body(piece) => self.note(format_args!("body: {} bytes", piece.len())),
            Event::Stderr(piece) => self.note(format_args!("message: {} bytes", piece.len())),
            Event::End { reusable: true } => self.note(format_args!("end; the connection is kept")),
            Event::End { reusable: false } => self.note(format_args!("end")),
        }
    }

    fn line(&self, mark: char, what: Arguments<'_>) {
        if self.on {
            let elapsed = self.start.elapsed().as_secs_f64() * 1000.0;
            eprintln!("{mark} {elapsed:9.3} ms  {what}");
        }
    }
}

/// Text as it is, everything that would disturb a terminal escaped.
fn text(bytes: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(bytes);
    let shown = |c: char| match c {
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    lossy.chars().map(shown).collect()
}
