//! The head of a request, as a server reads it (RFC 9112, sections 2 to 6).

use bytes::{Bytes, BytesMut};
use http::{Method, Version};
use memchr::memchr;

use super::body::Framing;
use super::error::{RequestError, Rule};
use super::{Limits, form};
use crate::protocol::fields::{FieldName, FieldNames, Fields, has_control, is_token, is_token_byte, trim};
use crate::protocol::target::Target;

/// A request whose head is complete and whose framing is certain.
#[derive(Debug)]
pub struct Request {
    /// Method, case kept.
    pub method: Method,
    /// In origin form, or `*`.
    pub target: Target,
    /// The authority of a target in absolute form, or of CONNECT.
    pub authority: Option<Bytes>,
    /// HTTP/1.1 or HTTP/1.0.
    pub version: Version,
    /// All fields, framing included.
    pub fields: Fields,
    /// How the body is delimited.
    pub framing: Framing,
    /// Whether the client wants to keep the connection (RFC 9112, section 9.3).
    pub persistent: bool,
}

/// Takes request heads off the bytes of one client, one after the other.
///
/// Each line is read once, when it is complete, however small the pieces are that it comes in.
#[derive(Debug)]
pub struct RequestDecoder {
    limits: Limits,
    /// Where the line begins that is not complete yet.
    line: usize,
    /// Bytes of that line and those before it in which no end was found.
    searched: usize,
    start: Option<Start>,
    fields: Fields,
}

/// What the request line said.
#[derive(Debug)]
struct Start {
    method: Method,
    target: std::ops::Range<usize>,
    version: Version,
}

impl RequestDecoder {
    /// For the first request of a connection.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            line: 0,
            searched: 0,
            start: None,
            fields: Fields::new(),
        }
    }

    /// Takes the next head off `src`; `Ok(None)` asks for more bytes, and leaves those that are there.
    ///
    /// After an error nothing on the connection can be believed.
    pub fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Request>, RequestError> {
        if !self.is_complete(src).map_err(|error| error.within(src))? {
            return Ok(None);
        }
        let block = src.split_to(self.line).freeze();
        self.finish(&block)
            .map(Some)
            .map_err(|error| error.within(&block))
    }

    /// Reads the lines that are complete; whether the blank one was among them.
    fn is_complete(&mut self, src: &[u8]) -> Result<bool, RequestError> {
        if self.start.is_none() {
            foreign(src)?;
        }
        while let Some(end) = memchr(b'\n', &src[self.searched..]).map(|at| self.searched + at) {
            if end >= self.limits.size {
                return Err(Rule::TooLarge.into());
            }
            let begin = self.line;
            (self.line, self.searched) = (end + 1, end + 1);
            let Some(line) = src[begin..end].strip_suffix(b"\r") else {
                return Err(Rule::BareLf.into());
            };
            match (&self.start, line.is_empty()) {
                (Some(_), false) => self.field(src, begin, begin + line.len())?,
                (Some(_), true) => return Ok(true),
                // An empty line in front of a request is overlooked (RFC 9112, section 2.2).
                (None, true) => {}
                (None, false) => {
                    self.start = Some(start(line, begin)?);
                    self.fields = Fields::with_capacity(USUAL_FIELDS);
                }
            }
        }
        self.searched = src.len();
        match src.len() > self.limits.size {
            true => Err(Rule::TooLarge.into()),
            false => Ok(false),
        }
    }

    /// Whether no byte of a head is there but empty lines.
    pub fn is_idle(&self, src: &[u8]) -> bool {
        self.start.is_none() && src.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
    }

    #[inline]
    fn field(&mut self, src: &[u8], begin: usize, end: usize) -> Result<(), RequestError> {
        if self.fields.len() >= self.limits.fields {
            return Err(Rule::TooManyFields.into());
        }
        let line = &src[begin..end];
        let Some(colon) = memchr(b':', line) else {
            return Err(no_field(line));
        };
        let (text, rest) = (&line[..colon], &line[colon + 1..]);
        let name = FieldName::of(text);
        if name == FieldName::Other && !is_token(text) {
            return Err(no_name(text));
        }
        if has_control(rest) {
            return Err(control(rest, text));
        }
        let value = trim(rest);
        let blanks = rest.len() - rest.trim_ascii_start().len();
        let from = if value.is_empty() {
            end
        } else {
            begin + colon + 1 + blanks
        };
        self.fields
            .note(name, src, begin..begin + colon, from..from + value.len());
        Ok(())
    }

    fn finish(&mut self, block: &Bytes) -> Result<Request, RequestError> {
        let start = self.start.take().ok_or(Rule::RequestLine)?;
        let mut fields = std::mem::take(&mut self.fields);
        (self.line, self.searched) = (0, 0);
        fields.attach(block.clone());
        if let Some(error) = repeated(&fields) {
            return Err(error);
        }
        let framing = Framing::of_request(start.version, &fields)?;
        let (authority, target) = form::split(&start.method, block.slice(start.target))
            .map_err(|_| RequestError::from(Rule::Target))?;
        Ok(Request {
            persistent: persistent(start.version, &fields),
            method: start.method,
            version: start.version,
            target,
            authority,
            fields,
            framing,
        })
    }
}

/// A field that is there twice and may be there once: another program might believe the second one.
pub fn repeated(fields: &Fields) -> Option<RequestError> {
    let name = fields.repeated().and(SINGLE).any()?;
    Some(RequestError::of(Rule::Repeated, name.as_str().as_bytes()))
}

/// Whether the connection is to go on: the default of HTTP/1.1, and on demand in HTTP/1.0.
fn persistent(version: Version, fields: &Fields) -> bool {
    match version {
        Version::HTTP_10 => fields.connection_has("keep-alive") && !fields.connection_has("close"),
        _ => !fields.connection_has("close"),
    }
}

/// The request line: three words with a single space between them.
fn start(line: &[u8], begin: usize) -> Result<Start, RequestError> {
    if has_control(line) || memchr(b'\t', line).is_some() {
        return Err(control(line, b""));
    }
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Rule::RequestLine.into());
    };
    let version = match version {
        b"HTTP/1.1" => Version::HTTP_11,
        b"HTTP/1.0" => Version::HTTP_10,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => return Err(Rule::Version.into()),
        _ => return Err(Rule::RequestLine.into()),
    };
    let from = begin + method.len() + 1;
    let target = from..from + target.len();
    let method = Method::from_bytes(method).map_err(|_| Rule::Method)?;
    Ok(Start {
        method,
        target,
        version,
    })
}

/// Bytes that belong to another protocol: their senders are told so, and not that their line is malformed.
fn foreign(src: &[u8]) -> Result<(), RequestError> {
    match src {
        // A TLS record of the type handshake, version 3.x (RFC 8446, section 5.1).
        [0x16, 0x03, ..] => Err(Rule::Tls.into()),
        [0x16] => Ok(()),
        [b'P', b'R', b'O', b'X', b'Y', b' ', ..] => Err(Rule::ProxyLine.into()),
        // The signature of its second version.
        [b'\r', b'\n', b'\r', b'\n', 0, ..] => Err(Rule::ProxyLine.into()),
        // No line that begins so can become a request: its end is not waited for.
        [first, ..] if !is_token_byte(*first) && !matches!(first, b'\r' | b'\n' | b' ') => {
            Err(Rule::Method.into())
        }
        _ => Ok(()),
    }
}

/// Which control byte it was: a CR could pass for the end of a line.
fn control(text: &[u8], name: &[u8]) -> RequestError {
    match memchr(b'\r', text) {
        Some(_) => RequestError::of(Rule::BareCr, name),
        None => RequestError::of(Rule::Control, name),
    }
}

fn no_field(line: &[u8]) -> RequestError {
    match line {
        [b' ' | b'\t', ..] => Rule::Folded.into(),
        _ => RequestError::of(Rule::NoColon, line),
    }
}

fn no_name(text: &[u8]) -> RequestError {
    match text {
        [b' ' | b'\t', ..] => Rule::Folded.into(),
        [.., b' ' | b'\t'] => RequestError::of(Rule::BlankBeforeColon, text),
        _ if has_control(text) => control(text, b""),
        _ => RequestError::of(Rule::FieldName, text),
    }
}

/// Fields for which room is made at once: what a browser sends.
const USUAL_FIELDS: usize = 16;

/// Fields with one value (RFC 9110, section 5.3).
const SINGLE: FieldNames = FieldNames::of(&[
    FieldName::Host,
    FieldName::ContentLength,
    FieldName::ContentType,
    FieldName::Authorization,
    FieldName::Referer,
    FieldName::UserAgent,
    FieldName::IfMatch,
    FieldName::IfNoneMatch,
    FieldName::IfModifiedSince,
    FieldName::IfUnmodifiedSince,
    FieldName::IfRange,
]);

#[cfg(test)]
mod tests;
