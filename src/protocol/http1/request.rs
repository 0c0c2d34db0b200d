//! The head of a request, as a server reads it (RFC 9112, sections 2 to 6).

use bytes::{Bytes, BytesMut};
use http::{Method, Version};
use memchr::memchr;

use super::body::Framing;
use super::error::{RequestError, Rule};
use super::{Limits, form};
use crate::protocol::fields::{
    FieldLine, FieldName, FieldNames, Fields, has_control, is_token, is_token_byte, scan,
};
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

    /// For the next head, if none has begun.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes the next head off `src`; `Ok(None)` asks for more bytes, and leaves those that are there.
    ///
    /// After an error nothing on the connection can be believed.
    #[inline]
    pub fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Request>, RequestError> {
        match src.len() == self.searched {
            true => Ok(None),
            false => self.advance(src),
        }
    }

    fn advance(&mut self, src: &mut BytesMut) -> Result<Option<Request>, RequestError> {
        if !self.is_complete(src).map_err(|error| error.within(src))? {
            return Ok(None);
        }
        self.fields.attach(src.split_to(self.line).freeze());
        (self.line, self.searched) = (0, 0);
        match self.finish() {
            Ok(request) => Ok(Some(request)),
            Err(error) => Err(error.within(std::mem::take(&mut self.fields).block())),
        }
    }

    /// Reads the lines that are complete; whether the blank one was among them.
    fn is_complete(&mut self, src: &[u8]) -> Result<bool, RequestError> {
        if self.start.is_none() {
            foreign(src)?;
        }
        loop {
            if self.searched == self.line && self.read_plain(src)? {
                return Ok(true);
            }
            let Some(end) = memchr(b'\n', &src[self.searched..]).map(|at| self.searched + at) else {
                break;
            };
            let begin = self.line;
            self.pass(end + 1)?;
            let Some(line) = src[begin..end].strip_suffix(b"\r") else {
                return Err(Rule::BareLf.into());
            };
            match (&self.start, line.is_empty()) {
                (Some(_), false) => self.field(src, begin, line)?,
                (Some(_), true) => return Ok(true),
                // An empty line in front of a request is overlooked (RFC 9112, section 2.2).
                (None, true) => {}
                (None, false) => self.begin(start(line, begin)?),
            }
        }
        self.searched = src.len();
        match src.len() > self.limits.size {
            true => Err(Rule::TooLarge.into()),
            false => Ok(false),
        }
    }

    /// Reads the lines that come complete and need no closer look; whether the blank one was among them.
    #[inline]
    fn read_plain(&mut self, src: &[u8]) -> Result<bool, RequestError> {
        if self.start.is_none() {
            let Some((start, next)) = plain_start(src, self.line) else {
                return Ok(false);
            };
            self.pass(next)?;
            self.begin(start);
        }
        loop {
            if src[self.line..].starts_with(b"\r\n") {
                self.pass(self.line + 2)?;
                return Ok(true);
            }
            match FieldLine::read(src, self.line) {
                Some((line, end)) if src[end..].starts_with(b"\r\n") => {
                    self.pass(end + 2)?;
                    self.note(&line, src)?;
                }
                _ => return Ok(false),
            }
        }
    }

    /// Goes on to the line that begins at `next`.
    #[inline]
    fn pass(&mut self, next: usize) -> Result<(), RequestError> {
        if next > self.limits.size {
            return Err(Rule::TooLarge.into());
        }
        (self.line, self.searched) = (next, next);
        Ok(())
    }

    fn begin(&mut self, start: Start) {
        self.start = Some(start);
        self.fields.make_room(USUAL_FIELDS);
    }

    /// Whether no byte of a head is there but empty lines.
    pub fn is_idle(&self, src: &[u8]) -> bool {
        self.start.is_none() && src.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
    }

    /// A field line that came in pieces, or is none.
    fn field(&mut self, src: &[u8], begin: usize, line: &[u8]) -> Result<(), RequestError> {
        match FieldLine::read(src, begin) {
            Some((field, end)) if end == begin + line.len() => self.note(&field, src),
            _ if self.fields.len() >= self.limits.fields => Err(Rule::TooManyFields.into()),
            _ => Err(not_a_field(line)),
        }
    }

    #[inline]
    fn note(&mut self, line: &FieldLine, src: &[u8]) -> Result<(), RequestError> {
        if self.fields.len() >= self.limits.fields {
            return Err(Rule::TooManyFields.into());
        }
        self.fields.note(line, src);
        Ok(())
    }

    fn finish(&mut self) -> Result<Request, RequestError> {
        let start = self.start.take().ok_or(Rule::RequestLine)?;
        if let Some(error) = repeated(&self.fields) {
            return Err(error);
        }
        let framing = Framing::of_request(start.version, &self.fields)?;
        let target = self.fields.block().slice(start.target);
        let (authority, target) =
            form::split(&start.method, target).map_err(|_| RequestError::from(Rule::Target))?;
        Ok(Request {
            persistent: persistent(start.version, &self.fields),
            method: start.method,
            version: start.version,
            target,
            authority,
            fields: std::mem::take(&mut self.fields),
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

/// The request line that begins here and where the next line does, when it is complete and needs no closer look.
fn plain_start(src: &[u8], begin: usize) -> Option<(Start, usize)> {
    let line = &src[begin..];
    let (method, rest) = line.split_at(scan::word_len(line));
    let rest = rest.strip_prefix(b" ")?;
    let (target, rest) = rest.split_at(scan::word_len(rest));
    let (name, [minor, b'\r', b'\n', ..]) = rest.split_first_chunk()? else {
        return None;
    };
    let version = match minor {
        _ if name != b" HTTP/1." => return None,
        b'1' => Version::HTTP_11,
        b'0' => Version::HTTP_10,
        _ => return None,
    };
    let from = begin + method.len() + 1;
    let target = from..from + target.len();
    let next = target.end + b" HTTP/1.1\r\n".len();
    let method = Method::from_bytes(method).ok()?;
    let start = Start {
        method,
        target,
        version,
    };
    Some((start, next))
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
pub fn foreign(src: &[u8]) -> Result<(), RequestError> {
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

/// What is wrong with a line that is no field.
#[cold]
fn not_a_field(line: &[u8]) -> RequestError {
    let colon = memchr(b':', line);
    match line {
        [b' ' | b'\t', ..] => Rule::Folded.into(),
        _ => match colon.map(|colon| line.split_at(colon)) {
            None => RequestError::of(Rule::NoColon, line),
            Some((name, value)) if is_token(name) => control(value, name),
            Some((name, _)) => no_name(name),
        },
    }
}

fn no_name(text: &[u8]) -> RequestError {
    match text {
        [.., b' ' | b'\t'] => RequestError::of(Rule::BlankBeforeColon, text),
        _ if has_control(text) => control(text, b""),
        _ => RequestError::of(Rule::FieldName, text),
    }
}

/// Fields for which room is made at once: what a browser sends.
const USUAL_FIELDS: usize = 15;

/// Fields with one value (RFC 9110, section 5.3; RFC 6454, section 7.3; RFC 6455, section 11.3).
///
/// `If-Match` and `If-None-Match` are lists; but one line of them is what every client sends, and applications read one.
const SINGLE: FieldNames = FieldNames::of(&[
    FieldName::Authorization,
    FieldName::ContentLength,
    FieldName::ContentLocation,
    FieldName::ContentRange,
    FieldName::ContentType,
    FieldName::Date,
    FieldName::Etag,
    FieldName::From,
    FieldName::Host,
    FieldName::IfMatch,
    FieldName::IfModifiedSince,
    FieldName::IfNoneMatch,
    FieldName::IfRange,
    FieldName::IfUnmodifiedSince,
    FieldName::LastModified,
    FieldName::MaxForwards,
    FieldName::Origin,
    FieldName::ProxyAuthorization,
    FieldName::Range,
    FieldName::Referer,
    FieldName::SecWebsocketKey,
    FieldName::SecWebsocketVersion,
    FieldName::UserAgent,
]);

#[cfg(test)]
mod tests;
