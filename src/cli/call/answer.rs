//! The answer on its way to stdout and stderr.

use std::io::{self, Write};

use bytes::Bytes;
use http::StatusCode;

use crate::cli::output::write;
use crate::protocol::fields::FieldName;
use crate::protocol::head::{self, Shape};
use crate::protocol::{Event, ResponseHead};

/// Prints events as they come.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Whether the head is wanted.
    include: bool,
    status: Option<StatusCode>,
    /// The last message of the application did not end its line: PHP's never do.
    open_line: bool,
    /// PHP-FPM said that it does not know what to run.
    unknown_script: bool,
}

impl Answer {
    pub(super) fn new(include: bool) -> Self {
        Self {
            include,
            ..Self::default()
        }
    }

    /// The status, once the head has come.
    pub(super) fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Whether PHP-FPM was not told, or told wrongly, which file to run.
    pub(super) fn script_is_unknown(&self) -> bool {
        self.unknown_script
    }

    /// Prints an event.
    pub(super) fn print(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Head(head) => {
                self.status = Some(head.status);
                match self.include {
                    true => write(&text(&head)),
                    false => Ok(()),
                }
            }
            Event::Body(piece) => write(&piece),
            Event::Stderr(piece) => self.message(&piece),
            Event::Interim(_) | Event::Trailers(_) | Event::Switched => Ok(()),
            Event::End { .. } => self.end_line(),
        }
    }

    /// Ends the line that a message of the application left open.
    pub(super) fn end_line(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.open_line) {
            true => io::stderr().write_all(b"\n"),
            false => Ok(()),
        }
    }

    fn message(&mut self, piece: &Bytes) -> io::Result<()> {
        self.open_line = !piece.ends_with(b"\n");
        self.unknown_script |= memchr::memmem::find(piece, b"Primary script unknown").is_some();
        io::stderr().write_all(piece)
    }
}

/// The head as an HTTP client would have got it.
fn text(head: &ResponseHead) -> Vec<u8> {
    let mut fields = head.fields.clone();
    if let Some(length) = head.length {
        fields.append_number(FieldName::ContentLength, length);
    }
    let mut text = Vec::new();
    head::put(Shape::Http, head.status, &fields, &mut text);
    text
}
