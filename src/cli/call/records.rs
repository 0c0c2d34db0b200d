//! Finds the FastCGI records in a stream that the codec decodes.

use std::fmt;

use bytes::{Buf, BytesMut};

use crate::protocol::fastcgi::{EndRequest, Header, Kind};

/// How far the stream is understood.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Bytes to be skipped before the next header.
    skip: usize,
    /// A header, or the end of a request, of which more is to come.
    partial: BytesMut,
    /// What was seen is no FastCGI.
    lost: bool,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    header: Header,
    end: Option<EndRequest>,
}

impl Records {
    /// Goes through the next bytes; `tell` gets every record whose header is complete with them.
    pub(super) fn scan(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Seen)) {
        while !self.lost && !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            bytes.advance(skipped);
            self.skip -= skipped;
            let wanted = self.wanted().saturating_sub(self.partial.len());
            let taken = wanted.min(bytes.len());
            self.partial.extend_from_slice(&bytes[..taken]);
            bytes.advance(taken);
            if let Some(seen) = self.take() {
                self.lost = seen.header.version != Header::VERSION;
                tell(seen);
            }
        }
    }

    /// Bytes that the record at hand must have before it is told.
    fn wanted(&self) -> usize {
        match Header::parse(&self.partial) {
            Some(header) if is_end(&header) => Header::LEN + EndRequest::LEN,
            _ => Header::LEN,
        }
    }

    fn take(&mut self) -> Option<Seen> {
        if self.partial.len() < self.wanted() {
            return None;
        }
        let header = Header::parse(&self.partial)?;
        let end = EndRequest::parse(&self.partial[Header::LEN..]);
        self.skip = header.rest() - if end.is_some() { EndRequest::LEN } else { 0 };
        self.partial.clear();
        Some(Seen { header, end })
    }
}

fn is_end(header: &Header) -> bool {
    header.kind == Kind::EndRequest && usize::from(header.content) >= EndRequest::LEN
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header {
            version,
            kind,
            id,
            content,
            padding,
        } = self.header;
        if version != Header::VERSION {
            return write!(f, "no FastCGI record: it starts with byte {version:#04x}");
        }
        write!(f, "{} id {id}, {content} bytes", name(kind))?;
        if padding > 0 {
            write!(f, " and {padding} of padding")?;
        }
        match self.end {
            Some(end) => write!(
                f,
                ": {:?}, application status {}",
                end.protocol_status, end.app_status
            ),
            None => Ok(()),
        }
    }
}

/// The name in the specification.
fn name(kind: Kind) -> String {
    let known = match kind {
        Kind::BeginRequest => "BEGIN_REQUEST",
        Kind::AbortRequest => "ABORT_REQUEST",
        Kind::EndRequest => "END_REQUEST",
        Kind::Params => "PARAMS",
        Kind::Stdin => "STDIN",
        Kind::Stdout => "STDOUT",
        Kind::Stderr => "STDERR",
        Kind::Data => "DATA",
        Kind::GetValues => "GET_VALUES",
        Kind::GetValuesResult => "GET_VALUES_RESULT",
        Kind::UnknownType => "UNKNOWN_TYPE",
        Kind::Other(number) => return format!("type {number}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_at_every_cut() {
        let wire = b"\x01\x06\0\x01\0\x05\x03\0hello\0\0\0\x01\x06\0\x01\0\0\0\0\x01\x03\0\x01\0\x08\0\0\0\0\0\x07\0\0\0\0";
        let expected = [
            "STDOUT id 1, 5 bytes and 3 of padding",
            "STDOUT id 1, 0 bytes",
            "END_REQUEST id 1, 8 bytes: RequestComplete, application status 7",
        ];
        for step in 1..=wire.len() {
            let (mut records, mut seen) = (Records::default(), Vec::new());
            for piece in wire.chunks(step) {
                records.scan(piece, |record| seen.push(record.to_string()));
            }
            assert_eq!(seen, expected, "step {step}");
        }
    }

    #[test]
    fn something_else_is_told_once() {
        let mut seen = Vec::new();
        Records::default().scan(b"HTTP/1.1 400 Bad Request\r\n", |record| {
            seen.push(record.to_string())
        });
        assert_eq!(seen, ["no FastCGI record: it starts with byte 0x48"]);
    }
}
