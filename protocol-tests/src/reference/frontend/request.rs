//! A request in HTTP/1.1 (RFC 9112, sections 2 to 6), read strictly: what two parties may read in two ways is refused.

use super::Fault;
use super::refusal::Refusal;
use super::target::{Target, is_host};
use crate::reference::Seeded;

/// A head that can be understood.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Vec<u8>,
    pub(super) target: Target,
    /// 1.0 or 1.1.
    pub(super) minor: u8,
    /// In their order, values without white space around them.
    pub(super) fields: Vec<Field>,
    /// The host that is asked, with its port.
    pub(super) host: Vec<u8>,
    pub(super) framing: Framing,
}

/// Name and value.
pub(super) type Field = (Vec<u8>, Vec<u8>);

/// How the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(usize),
    Chunked,
}

impl Request {
    /// Reads a head.
    pub(super) fn parse(head: &[u8], fault: Seeded<Fault>) -> Result<Self, Refusal> {
        let mut lines = lines(head, fault).into_iter();
        let (method, target, minor) = request_line(lines.next().unwrap_or_default(), fault)?;
        let fields = fields(lines.filter(|line| !line.is_empty()), fault)?;
        once(&fields, fault)?;
        if method == b"CONNECT" && !fault.is(Fault::ConnectPassed) {
            return Err(Refusal::Request(405, "no tunnels"));
        }
        if method == b"TRACE" && !fault.is(Fault::TracePassed) {
            return Err(Refusal::Request(405, "no traces"));
        }
        if target == b"*" && method == b"OPTIONS" && !fault.is(Fault::StarIsRoot) {
            // RFC 9112, section 3.2.4: this is about us.
            return Err(Refusal::Request(200, "nothing to add"));
        }
        let target = match target {
            b"*" if fault.is(Fault::StarIsRoot) => Target::parse(b"/", fault)?,
            odd if !odd.starts_with(b"/") && fault.is(Fault::OddTargetsPassed) => {
                Target::parse(&[b"/", odd].concat(), fault)?
            }
            host if method == b"CONNECT" => Target::parse(&[b"http://", host].concat(), fault)?,
            target => Target::parse(target, fault)?,
        };
        let host = host(&target, &fields, minor, fault)?;
        Ok(Self {
            method: method.to_vec(),
            framing: framing(&fields, minor, method, fault)?,
            target,
            minor,
            fields,
            host,
        })
    }

    /// The values of a field.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        values(&self.fields, name)
    }

    /// Whether a list such as Connection has this member.
    pub(super) fn lists(&self, name: &str, member: &str) -> bool {
        let members = self
            .values(name)
            .flat_map(|value| value.split(|byte| *byte == b','));
        members
            .into_iter()
            .any(|text| text.trim_ascii().eq_ignore_ascii_case(member.as_bytes()))
    }

    /// Whether the connection goes on behind the answer.
    pub(super) fn keeps(&self, fault: Seeded<Fault>) -> bool {
        self.minor == 1 && (!self.lists("connection", "close") || fault.is(Fault::CloseIgnored))
    }

    /// The protocols that the client would like to change to (RFC 9110, section 7.8); none of them is HTTP/2.
    pub(super) fn upgrade(&self) -> Option<&[u8]> {
        let offered = self.values("upgrade").next()?;
        let wanted = self.minor == 1 && self.lists("connection", "upgrade") && !self.lists("upgrade", "h2c");
        wanted.then_some(offered)
    }

    /// RFC 9110, section 9.2.2: whether it does no harm to send it twice.
    pub(super) fn is_idempotent(&self) -> bool {
        matches!(
            self.method.as_slice(),
            b"GET" | b"HEAD" | b"OPTIONS" | b"PUT" | b"DELETE" | b"TRACE"
        )
    }

    /// RFC 9110, section 10.1.1: whether the client waits for our word.
    pub(super) fn expects_continue(&self, fault: Seeded<Fault>) -> Result<bool, Refusal> {
        match self.values("expect").next() {
            None => Ok(false),
            Some(_) if self.minor == 0 => Ok(false),
            Some(value) if value.eq_ignore_ascii_case(b"100-continue") => Ok(self.framing != Framing::None),
            Some(_) if fault.is(Fault::ExpectationIs500) => Err(Refusal::Request(500, "an expectation")),
            Some(_) => Err(Refusal::Request(417, "an expectation that we cannot meet")),
        }
    }
}

fn lines(head: &[u8], fault: Seeded<Fault>) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').collect();
    if fault.is(Fault::LfInValues) {
        lines.clear();
        let mut rest = head;
        while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
            lines.push(&rest[..at]);
            rest = &rest[at + 2..];
        }
    }
    let stripped = lines
        .into_iter()
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    stripped.collect()
}

fn request_line(line: &[u8], fault: Seeded<Fault>) -> Result<(&[u8], &[u8], u8), Refusal> {
    let mut words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    if let ([first, _, .., last], true) = (words.as_slice(), fault.is(Fault::BlanksInTargets)) {
        let (first, last) = (*first, *last);
        let middle = &line[first.len() + 1..line.len() - last.len() - 1];
        words = vec![first, middle, last];
    }
    let &[method, target, version] = words.as_slice() else {
        return Err(Refusal::bad("a request line that has not three words"));
    };
    if !is_token(method) || (target.contains(&b'\r') && !fault.is(Fault::BareCrPassed)) {
        return Err(Refusal::bad("a method that is no token"));
    }
    match version {
        b"HTTP/1.1" => Ok((method, target, 1)),
        b"HTTP/1.0" => Ok((method, target, 0)),
        _ => Err(Refusal::Request(505, "a version that we do not speak")),
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>, fault: Seeded<Fault>) -> Result<Vec<Field>, Refusal> {
    let mut fields: Vec<Field> = Vec::new();
    for mut line in lines {
        if fault.is(Fault::FoldedLinesAreFields) {
            line = trim(line);
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Err(Refusal::bad("a folded line"));
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let colon = colon.ok_or(Refusal::bad("a line without a colon"))?;
        let (mut name, value) = (&line[..colon], &line[colon + 1..]);
        if fault.is(Fault::SpaceBeforeColon) {
            name = trim(name);
        }
        if !is_token(name) && !fault.is(Fault::ControlsPassed) {
            return Err(Refusal::bad("a field name that is no token"));
        }
        if let Some(control) = value.iter().find(|byte| is_control(**byte))
            && !fault.is(match control {
                b'\r' => Fault::BareCrPassed,
                b'\n' => Fault::LfInValues,
                _ => Fault::ControlsPassed,
            })
        {
            return Err(Refusal::bad("a control in a field"));
        }
        fields.push((name.to_vec(), trim(value).to_vec()));
        if fields.len() > MAX_FIELDS && !fault.is(Fault::EndlessRequestHead) {
            return Err(Refusal::Request(431, "too many fields"));
        }
    }
    Ok(fields)
}

/// RFC 9110, section 5.3: fields that are no lists.
fn once(fields: &[Field], fault: Seeded<Fault>) -> Result<(), Refusal> {
    let twice = SINGLE.iter().any(|name| values(fields, name).nth(1).is_some());
    match twice && !fault.is(Fault::SingletonsJoined) {
        true => Err(Refusal::bad("a field that may be there once is there twice")),
        false => Ok(()),
    }
}

/// RFC 9112, sections 3.2 and 3.2.2: one Host; that of an absolute target goes before it.
fn host(target: &Target, fields: &[Field], minor: u8, fault: Seeded<Fault>) -> Result<Vec<u8>, Refusal> {
    let given: Vec<&[u8]> = values(fields, "host").collect();
    let named = match given.as_slice() {
        [] if minor == 0 => b"localhost",
        [one] => *one,
        [first, ..] if fault.is(Fault::FirstHostCounts) => *first,
        _ => return Err(Refusal::bad("not one Host")),
    };
    let host = match &target.authority {
        Some(authority) if !fault.is(Fault::FieldHostWins) => authority,
        _ => named,
    };
    match (is_host(named, fault) && is_host(host, fault)) || fault.is(Fault::AnyHost) {
        true => Ok(host.to_vec()),
        false => Err(Refusal::bad("a Host that is none")),
    }
}

/// RFC 9112, section 6.3: one length or one `chunked`, and nothing that could be taken for either.
fn framing(fields: &[Field], minor: u8, method: &[u8], fault: Seeded<Fault>) -> Result<Framing, Refusal> {
    let codings: Vec<&[u8]> = values(fields, "transfer-encoding").collect();
    let lengths: Vec<&[u8]> = values(fields, "content-length").collect();
    if method == b"GET" && fault.is(Fault::GetBodyLeft) {
        return Ok(Framing::None);
    }
    match (codings.as_slice(), lengths.as_slice()) {
        ([], []) => Ok(Framing::None),
        ([_], [text]) if fault.is(Fault::LengthBeatsCoding) => length(text, fault),
        ([_, ..], [_, ..]) => Err(Refusal::bad("both Content-Length and Transfer-Encoding")),
        ([_, ..], []) if minor == 0 && fault.is(Fault::CodingIgnoredInHttp10) => Ok(Framing::None),
        ([_, ..], []) if minor == 0 => Err(Refusal::bad("a transfer coding in HTTP/1.0")),
        ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        ([first, _, ..], []) if fault.is(Fault::FirstCodingCounts) && first.ends_with(b"chunked") => {
            Ok(Framing::Chunked)
        }
        ([coding], []) if fault.is(Fault::AnyChunked) && coding.windows(7).any(|part| part == b"chunked") => {
            Ok(Framing::Chunked)
        }
        ([_], []) if fault.is(Fault::UnknownCodingIgnored) => Ok(Framing::None),
        ([_, ..], []) => Err(Refusal::Request(501, "a transfer coding that is not chunked")),
        ([], [text]) => length(text, fault),
        ([], [.., last]) if fault.is(Fault::LastLengthCounts) => length(last, fault),
        ([], _) => Err(Refusal::bad("two Content-Length")),
    }
}

/// Digits and nothing else, in a number that we can count.
fn length(text: &[u8], fault: Seeded<Fault>) -> Result<Framing, Refusal> {
    let mut digits = text;
    if fault.is(Fault::LengthAsInC) {
        digits = text.strip_prefix(b"+").unwrap_or(text);
        digits = &digits[..digits.iter().take_while(|byte| byte.is_ascii_digit()).count()];
    }
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::bad("a Content-Length that is no number"));
    }
    let number = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok());
    match number {
        Some(number) => Ok(Framing::Length(number)),
        None => Err(Refusal::bad("a Content-Length that is too large")),
    }
}

fn values<'a>(fields: &'a [Field], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value.as_slice())
}

/// RFC 9110, section 5.6.2.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 9110, section 5.5: what no value may have in it.
pub(super) fn is_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}

/// Blanks and tabs alone: what else is white space elsewhere, is a control here.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Without the blanks and tabs in front.
pub(super) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

const MAX_FIELDS: usize = 1000; // of a head
const SINGLE: [&str; 6] = [
    "content-type",
    "authorization",
    "referer",
    "user-agent",
    "if-modified-since",
    "if-unmodified-since",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn status(head: &str) -> Option<u16> {
        let head = head.replace('\n', "\r\n");
        let refusal = Request::parse(head.as_bytes(), Seeded::NONE).err()?;
        refusal.status()
    }

    #[test]
    fn a_plain_request_is_understood() {
        let head = b"POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nA: \t b \r\n\r\n";
        let request = Request::parse(head, Seeded::NONE).expect("it is plain");
        assert_eq!(
            (request.method.as_slice(), request.framing),
            (&b"POST"[..], Framing::Length(3))
        );
        assert_eq!(request.values("a").collect::<Vec<_>>(), [b"b"]);
        assert!(request.keeps(Seeded::NONE));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let with = |fields: &str| status(&format!("POST / HTTP/1.1\nHost: x\n{fields}\n\n"));
        for bad in [
            "Content-Length: 5\nTransfer-Encoding: chunked",
            "Content-Length: 5\nContent-Length: 5",
            "Content-Length: +5",
            "A : b",
            "A: b\n c",
            "A: b\rc",
            "A: b\0",
            "Host: x",
            "Content-Type: a\nContent-Type: b",
        ] {
            assert_eq!(with(bad), Some(400), "{bad}");
        }
        assert_eq!(with("Transfer-Encoding: xchunked"), Some(501));
        assert_eq!(with("Transfer-Encoding: Chunked"), None);
        assert_eq!(status("GET / HTTP/1.1\n\n"), Some(400));
        assert_eq!(status("GET * HTTP/1.1\nHost: x\n\n"), Some(400));
        assert_eq!(status("CONNECT a:1 HTTP/1.1\nHost: a:1\n\n"), Some(405));
    }
}
