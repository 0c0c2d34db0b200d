//! What uwsgi and SCGI have in common: a body of CONTENT_LENGTH bytes, and an answer without frames.

use std::io::{BufReader, ErrorKind, Read, Write};

use super::application;
use super::exchange::{Exchange, Transport};
use super::length::Length;
use super::stop::Stop;
use super::{Fault, MAX_BODY, Variables};
use crate::reference::Seeded;
use crate::reference::socket::Socket;

/// A request whose variables have arrived.
pub(super) struct Plain<'a> {
    pub(super) reader: &'a mut BufReader<Socket>,
    pub(super) length: Length,
    /// Up to the status, with the space behind it: `HTTP/1.1 ` or `Status: `.
    pub(super) status_line: Vec<u8>,
    pub(super) fault: Seeded<Fault>,
}

impl Plain<'_> {
    /// Lets the application answer.
    pub(super) fn answer(mut self, variables: &Variables) -> Result<(), Stop> {
        let fault = self.fault;
        application::run(&mut Exchange::new(&mut self, variables, fault))
    }
}

impl Transport for Plain<'_> {
    fn status(&self, status: u16) -> Vec<u8> {
        // One request for each connection: its end is the end of the answer.
        let rest = format!("{status} Probe\r\nConnection: close\r\n");
        [&self.status_line, rest.as_bytes()].concat()
    }

    fn body(&mut self) -> Result<Vec<u8>, Stop> {
        let length = match self.length {
            Length::Unknown => 0,
            Length::Known(length) if length <= MAX_BODY => length,
            Length::Known(_) => return Err(Stop::BadBody("the body is too long")),
            Length::Bad => return Err(Stop::BadBody("CONTENT_LENGTH is no number")),
        };
        let mut body = vec![0; length];
        if self.fault.is(Fault::ShortBodyServed) {
            body.clear();
            self.reader.take(length as u64).read_to_end(&mut body)?;
        } else {
            self.reader.read_exact(&mut body).map_err(short)?;
        }
        if self.fault.is(Fault::WholeStream) {
            body.extend_from_slice(self.reader.buffer());
        }
        Ok(body)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        Ok(self.reader.get_mut().write_all(bytes)?)
    }

    /// There is no stream for it: a server writes it to a log of its own.
    fn log(&mut self, _text: &[u8]) -> Result<(), Stop> {
        Ok(())
    }
}

/// A client that has closed may still read; one that waits gets nothing.
fn short(error: std::io::Error) -> Stop {
    match error.kind() {
        ErrorKind::UnexpectedEof => Stop::BadBody("the body is not whole"),
        _ => error.into(),
    }
}
