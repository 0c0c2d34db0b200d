//! What a front end has sent: one request in FastCGI, uwsgi, SCGI or HTTP.

use super::{Pair, Record, http_request, pairs, records};
use crate::protocol::Protocol;

/// A request as far as it has arrived.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// In their order.
    pub vars: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether all variables are there.
    pub has_vars: bool,
    /// What has arrived of the body.
    pub body: Vec<u8>,
    /// Whether the body is whole: FastCGI says so, elsewhere CONTENT_LENGTH does.
    pub complete: bool,
    /// FastCGI: the id; 0 without BEGIN_REQUEST.
    pub id: u16,
    /// FastCGI: the role.
    pub role: u16,
    /// FastCGI: whether the connection is to be kept.
    pub keep: bool,
    /// FastCGI: whether ABORT_REQUEST came.
    pub aborted: bool,
    /// FastCGI: whether every PARAMS record holds whole pairs.
    pub whole_pairs: bool,
    /// FastCGI: whether no empty record is padded.
    pub plain_ends: bool,
    /// FastCGI: the longest PARAMS record, padding included, header not.
    pub longest_params: usize,
    /// FastCGI: the longest content of a record, in bytes.
    pub longest_record: usize,
    /// SCGI: whether CONTENT_LENGTH comes first.
    pub length_first: bool,
    /// uwsgi.
    pub modifiers: (u8, u8),
    /// The first rule that was broken.
    pub fault: Option<String>,
}

impl Request {
    /// Reads the first request in `bytes`.
    pub fn parse(protocol: Protocol, bytes: &[u8]) -> Self {
        match protocol {
            Protocol::FastCgi => fastcgi(bytes),
            Protocol::Uwsgi => uwsgi(bytes),
            Protocol::Scgi => scgi(bytes),
            Protocol::Http => http_request::http(bytes),
        }
    }

    /// Reads the request number `nth`, counted from 1, of a connection that is used again. A later one than the first
    /// begins where the one before it ended; `None` when there is nothing.
    pub fn nth(protocol: Protocol, bytes: &[u8], nth: usize) -> Option<Self> {
        let mut rest = bytes;
        for _ in 1..nth {
            rest = rest.get(length(protocol, rest)?..)?;
        }
        (nth <= 1 || !rest.is_empty()).then(|| Self::parse(protocol, rest))
    }

    /// The values of a variable.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.vars
            .iter()
            .filter(move |(known, _)| known == name.as_bytes())
            .map(|(_, value)| value.as_slice())
    }

    /// The path as the application puts it together: RFC 3875, section 3.3. Without both of its halves it is
    /// DOCUMENT_URI, which is all that some front ends send.
    pub fn path(&self) -> Vec<u8> {
        let first = |name| self.values(name).next();
        match (first("SCRIPT_NAME"), first("PATH_INFO")) {
            (None, None) => first("DOCUMENT_URI").unwrap_or_default().to_vec(),
            (name, info) => [name.unwrap_or_default(), info.unwrap_or_default()].concat(),
        }
    }

    pub(super) fn blame(&mut self, fault: impl Into<String>) {
        self.fault.get_or_insert_with(|| fault.into());
    }

    /// CONTENT_LENGTH; 0 where it is no number.
    fn content_length(&self) -> usize {
        let text = self.values("CONTENT_LENGTH").next().unwrap_or_default();
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        number.unwrap_or(0)
    }

    /// Takes what follows the variables for the body, as long as CONTENT_LENGTH says.
    pub(super) fn take_body(&mut self, rest: &[u8]) {
        let length = self.content_length();
        self.body = rest.to_vec();
        self.complete = self.has_vars && rest.len() >= length;
        if rest.len() > length {
            self.blame("there are bytes behind the body");
        }
    }
}

/// How many bytes the first request takes; `None` when it has no end yet.
fn length(protocol: Protocol, bytes: &[u8]) -> Option<usize> {
    let request = Request::parse(protocol, bytes);
    if !request.complete {
        return None;
    }
    match protocol {
        Protocol::FastCgi => {
            let ends = |record: &Record<'_>| record.kind == STDIN && record.content.is_empty();
            let last = records(bytes).0.into_iter().find(ends)?;
            Some(last.offset + 8 + usize::from(last.padding))
        }
        // The body is followed by what `take_body` has taken for more of it.
        Protocol::Uwsgi => {
            let [_, low, high, _] = *bytes.first_chunk::<4>()?;
            Some(4 + usize::from(u16::from_le_bytes([low, high])) + request.content_length())
        }
        // One request is all that a connection may bring.
        Protocol::Scgi => None,
        Protocol::Http => http_request::length(bytes),
    }
}

/// FastCGI 1.0, section 6: the order of a responder's streams.
fn fastcgi(bytes: &[u8]) -> Request {
    let mut request = Request {
        whole_pairs: true,
        plain_ends: true,
        ..Request::default()
    };
    let mut params = Vec::new();
    let mut stage = 0;
    for record in records(bytes).0 {
        let empty = record.content.is_empty();
        request.longest_record = request.longest_record.max(record.content.len());
        if record.version != 1 {
            request.blame("a record is not of version 1");
        }
        request.plain_ends &= !empty || record.padding == 0;
        match (record.kind, stage) {
            (BEGIN, 0) if record.content.len() == 8 => {
                request.id = record.id;
                request.role = u16::from_be_bytes([record.content[0], record.content[1]]);
                request.keep = record.content[2] & 1 == 1;
                stage = 1;
            }
            (ABORT, _) => request.aborted = true,
            (PARAMS, 1) if empty => stage = 2,
            (PARAMS, 1) => {
                request.whole_pairs &= pairs(record.content).is_some();
                let length = record.content.len() + usize::from(record.padding);
                request.longest_params = request.longest_params.max(length);
                params.extend_from_slice(record.content);
            }
            (STDIN, 2) if empty => stage = 3,
            (STDIN, 2) => request.body.extend_from_slice(record.content),
            (kind, _) => request.blame(format!("a record of type {kind} is out of order")),
        }
        if stage > 0 && record.id != request.id && record.id != 0 {
            request.blame("there are records of another id");
        }
    }
    request.has_vars = stage >= 2;
    request.complete = stage == 3;
    match pairs(&params) {
        Some(pairs) => {
            request.vars = pairs
                .iter()
                .map(|(name, value)| (name.to_vec(), value.to_vec()))
                .collect()
        }
        None if request.has_vars => request.blame("the variables cannot be read"),
        None => {}
    }
    request
}

fn uwsgi(bytes: &[u8]) -> Request {
    let mut request = Request::default();
    let Some((header, rest)) = bytes.split_first_chunk::<4>() else {
        return request;
    };
    let [modifier1, low, high, modifier2] = *header;
    request.modifiers = (modifier1, modifier2);
    let Some((block, rest)) = rest.split_at_checked(u16::from_le_bytes([low, high]).into()) else {
        return request;
    };
    let (pairs, left) = leading_shorts(block);
    let owned = pairs.iter().map(|(name, value)| (name.to_vec(), value.to_vec()));
    request.vars = owned.collect();
    request.has_vars = true;
    if !left.is_empty() {
        request.blame("the variables cannot be read");
    }
    request.take_body(rest);
    request
}

/// The whole pairs at the start of a uwsgi block, and what is left behind the last.
pub fn leading_shorts(block: &[u8]) -> (Vec<Pair<'_>>, &[u8]) {
    let (mut pairs, mut rest) = (Vec::new(), block);
    while let Some((name, (value, after))) = short(rest).and_then(|(name, after)| Some((name, short(after)?)))
    {
        pairs.push((name, value));
        rest = after;
    }
    (pairs, rest)
}

/// A string after its length, two bytes, little end first.
fn short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_le_bytes(*length).into())
}

fn scgi(bytes: &[u8]) -> Request {
    let mut request = Request::default();
    let Some(colon) = bytes.iter().position(|byte| *byte == b':') else {
        return request;
    };
    let length = std::str::from_utf8(&bytes[..colon])
        .ok()
        .and_then(|text| text.parse::<usize>().ok());
    let Some(length) = length else {
        request.blame("there is no length");
        return request;
    };
    let Some((headers, rest)) = bytes[colon + 1..].split_at_checked(length) else {
        return request;
    };
    let Some((comma, rest)) = rest.split_first() else {
        return request;
    };
    if *comma != b',' {
        request.blame("there is no comma behind the headers");
    }
    let mut strings = headers.split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        request.vars.push((name.to_vec(), value.to_vec()));
    }
    request.has_vars = true;
    let first = request.vars.first();
    request.length_first = first.is_some_and(|(name, _)| name == b"CONTENT_LENGTH");
    if !request.length_first {
        request.blame("CONTENT_LENGTH is not the first header");
    }
    if request.values("SCGI").next() != Some(b"1") {
        request.blame("SCGI is not 1");
    }
    request.take_body(rest);
    request
}

const BEGIN: u8 = 1;
const ABORT: u8 = 2;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_each_protocol_are_read() {
        let fastcgi = b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0\x01\x04\0\x01\0\x04\0\0\x01\x01Ab\x01\x04\0\x01\0\0\0\0\
            \x01\x05\0\x01\0\x01\0\0x\x01\x05\0\x01\0\0\0\0";
        let request = Request::parse(Protocol::FastCgi, fastcgi);
        assert_eq!(
            (request.id, request.role, request.keep, request.complete),
            (1, 1, true, true)
        );
        assert_eq!((request.body.as_slice(), request.fault), (&b"x"[..], None));
        let request = Request::parse(Protocol::Uwsgi, b"\0\x06\0\0\x01\0A\x01\0b");
        assert_eq!(
            (request.values("A").next(), request.complete),
            (Some(&b"b"[..]), true)
        );
        let request = Request::parse(Protocol::Scgi, b"24:CONTENT_LENGTH\x001\0SCGI\x001\0,x");
        assert_eq!(
            (request.body.as_slice(), request.complete, request.fault),
            (&b"x"[..], true, None)
        );
    }

    #[test]
    fn requests_on_one_connection_are_told_apart() {
        let one = b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0\x01\x04\0\x01\0\0\0\0\
            \x01\x05\0\x01\0\x01\0\0x\x01\x05\0\x01\0\0\0\0";
        let two = [&one[..], one].concat();
        let body = |bytes, nth| {
            Request::nth(Protocol::FastCgi, bytes, nth).map(|request| (request.body, request.complete))
        };
        assert_eq!(body(&two, 2), Some((b"x".to_vec(), true)));
        assert_eq!((body(one, 2), body(&two[..20], 2)), (None, None));
        let uwsgi = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x001x\0\x06\0\0\x01\0A\x01\0b";
        let second = Request::nth(Protocol::Uwsgi, uwsgi, 2).expect("a second");
        assert_eq!(second.values("A").next(), Some(&b"b"[..]));
    }

    #[test]
    fn padding_is_noted_and_breaks_no_rule() {
        let mut padded =
            b"\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0\x01\x04\0\x01\xff\xff\x01\0\x01\x80\0\xff\xf9A"
                .to_vec();
        padded.resize(padded.len() + 0xfff9 + 1, 0);
        padded.extend_from_slice(b"\x01\x04\0\x01\0\0\x02\0\0\0\x01\x05\0\x01\0\0\0\0");
        let request = Request::parse(Protocol::FastCgi, &padded);
        assert_eq!((request.complete, request.fault), (true, None));
        assert_eq!((request.plain_ends, request.longest_params), (false, 65536));
    }

    #[test]
    fn half_a_request_is_not_complete() {
        assert!(!Request::parse(Protocol::Uwsgi, b"\0\x06\0\0\x01\0A").has_vars);
        assert!(!Request::parse(Protocol::Scgi, b"24:CONTENT").has_vars);
        assert!(!Request::parse(Protocol::FastCgi, b"\x01\x01\0\x01\0\x08\0\0").complete);
    }
}
