//! The head of an answer: CGI's (RFC 3875, section 6), or that of HTTP (RFC 9112, section 4), which uwsgi has as well.

use super::Fault;
use super::refusal::Refusal;
use super::request::{Field, is_control, is_token, trim};
use crate::reference::Seeded;

/// What the client is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Without those that concern the connection, and without the length.
    pub(super) fields: Vec<Field>,
    /// What the application announced.
    pub(super) length: Option<usize>,
    /// HTTP: the body comes in chunks.
    pub(super) chunked: bool,
    /// HTTP: the connection ends with this answer.
    pub(super) close: bool,
    /// A status line with HTTP/1.0.
    pub(super) old: bool,
    /// HTTP: the protocol that is switched to.
    pub(super) upgrade: Option<Vec<u8>>,
}

/// Which first line a head has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// None: the status is a field.
    Cgi,
    /// A status line; the rest is as in CGI.
    Uwsgi,
    /// A status line, and framing of its own.
    Http,
}

/// How many bytes the head has, its blank line included; `None` as long as that has not come. Lines end with LF, or
/// with CR LF (RFC 3875, section 7.2). `searched` is where the first line begins that was not whole before.
pub(super) fn end(bytes: &[u8], searched: &mut usize, fault: Seeded<Fault>) -> Option<usize> {
    if fault.is(Fault::CrLfNeeded) {
        return Some(bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4);
    }
    loop {
        let length = bytes[*searched..].iter().position(|byte| *byte == b'\n')?;
        let line = &bytes[*searched..*searched + length];
        *searched += length + 1;
        if matches!(line, b"" | b"\r") {
            return Some(*searched);
        }
    }
}

impl Head {
    /// Reads a whole head, strictly: it is the application's, but what is in it may be a client's.
    pub(super) fn parse(bytes: &[u8], style: Style, fault: Seeded<Fault>) -> Result<Self, Refusal> {
        let mut lines = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .peekable();
        let line = match style {
            Style::Uwsgi | Style::Http => lines.next(),
            Style::Cgi if fault.is(Fault::NphAccepted) => lines.next_if(|line| line.starts_with(b"HTTP/")),
            Style::Cgi => None,
        };
        let line_status = line.map(|line| status_line(line, style, fault)).transpose()?;
        let old = line.is_some_and(|line| line.starts_with(b"HTTP/1.0"));
        let fields = fields(lines.filter(|line| !line.is_empty()), fault)?;
        let status = match line_status {
            Some(status) => status,
            None => cgi_status(&fields, fault)?,
        };
        if (100..200).contains(&status) && style == Style::Cgi && !fault.is(Fault::InterimRelayed) {
            return Err(Refusal::gateway("an interim answer"));
        }
        once(&fields, fault)?;
        let chunked = match style {
            Style::Cgi | Style::Uwsgi => no_coding(&fields, fault).map(|()| false)?,
            Style::Http => is_chunked(&fields, old, fault)?,
        };
        let upgrade = values(&fields, "upgrade").next().map(<[u8]>::to_vec);
        Ok(Self {
            status,
            length: length(&fields, fault)?.filter(|_| !chunked),
            chunked,
            old,
            close: old || has_member(&fields, "connection", b"close"),
            upgrade,
            fields: for_client(fields, (style, status), fault),
        })
    }
}

/// A version, which means nothing here, three digits, and perhaps words.
fn status_line(line: &[u8], style: Style, fault: Seeded<Fault>) -> Result<u16, Refusal> {
    if style == Style::Http && !line.starts_with(b"HTTP/1.1 ") && !line.starts_with(b"HTTP/1.0 ") {
        return Err(Refusal::gateway("no status line of HTTP/1"));
    }
    let rest = line
        .strip_prefix(b"HTTP/")
        .and_then(|rest| rest.split_first_chunk::<4>());
    match rest {
        Some((_, [])) | None => Err(Refusal::gateway("no status line")),
        Some((_, rest)) if fault.is(Fault::ReasonNeeded) && !rest.contains(&b' ') => {
            Err(Refusal::gateway("no reason"))
        }
        Some((_, rest)) => number(rest, fault),
    }
}

/// RFC 3875, section 6.3.3: the field, or 302 with nothing but a Location, or 200.
fn cgi_status(fields: &[Field], fault: Seeded<Fault>) -> Result<u16, Refusal> {
    let mut statuses = values(fields, "status");
    let located = values(fields, "location").next().is_some();
    let typed = values(fields, "content-type").next().is_some();
    if located && fault.is(Fault::LocationAlways302) {
        return Ok(302);
    }
    let status = if fault.is(Fault::LastStatusCounts) {
        statuses.next_back()
    } else {
        statuses.next()
    };
    match status {
        Some(text) if !fault.is(Fault::StatusIgnored) => number(text, fault),
        None if located && !fault.is(Fault::LocationIs200) => Ok(302),
        None if !located && !typed => Err(Refusal::gateway("a head without status, type or location")),
        _ => Ok(200),
    }
}

/// Exactly three digits, then the end or a blank.
fn number(text: &[u8], fault: Seeded<Fault>) -> Result<u16, Refusal> {
    let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    let word = String::from_utf8_lossy(word);
    let digits = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    if fault.is(Fault::AnyStatus) {
        return Ok(word.parse().unwrap_or(200));
    }
    match word.parse() {
        Ok(status @ 100..=599) if digits => Ok(status),
        Ok(600..=999) if fault.is(Fault::HighStatusIs200) => Ok(200),
        _ => Err(Refusal::gateway("a status that is none")),
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>, fault: Seeded<Fault>) -> Result<Vec<Field>, Refusal> {
    let mut fields = Vec::new();
    for line in lines {
        if line.starts_with(b" ") && fault.is(Fault::FoldedLinesDropped) {
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None if fault.is(Fault::BadLinesRelayed) => (line, &b""[..]),
            None => return Err(Refusal::gateway("a line without a colon")),
        };
        if !is_token(name) && !fault.is(Fault::BadLinesRelayed) {
            return Err(Refusal::gateway("a field name that is no token"));
        }
        if value.iter().any(|byte| is_control(*byte)) && !fault.is(Fault::ControlsRelayed) {
            return Err(Refusal::gateway("a control in a field"));
        }
        fields.push((name.to_vec(), trim(value).to_vec()));
    }
    Ok(fields)
}

/// Fields of which a second one would mean something else.
fn once(fields: &[Field], fault: Seeded<Fault>) -> Result<(), Refusal> {
    for name in SINGLE {
        let permitted = match name {
            "status" => fault.is(Fault::LastStatusCounts),
            "content-type" => fault.is(Fault::TwoTypesRelayed),
            _ => fault.is(Fault::SingletonsRelayed),
        };
        if values(fields, name).nth(1).is_some() && !permitted {
            return Err(Refusal::gateway("a field that may be there once is there twice"));
        }
    }
    Ok(())
}

/// Framing is ours: RFC 3875, section 6.3.4. To decode it for uwsgi would be permitted.
fn no_coding(fields: &[Field], fault: Seeded<Fault>) -> Result<(), Refusal> {
    let coded = values(fields, "transfer-encoding").next().is_some();
    let taken = [Fault::CodingRelayed, Fault::ChunksInChunks, Fault::CodingDropped];
    match coded && !taken.into_iter().any(|taken| fault.is(taken)) {
        true => Err(Refusal::gateway("a transfer coding of the application")),
        false => Ok(()),
    }
}

/// RFC 9112, section 6.3: one `chunked` in HTTP/1.1 without a length, or nothing.
fn is_chunked(fields: &[Field], old: bool, fault: Seeded<Fault>) -> Result<bool, Refusal> {
    let codings: Vec<&[u8]> = values(fields, "transfer-encoding").collect();
    let has_length = values(fields, "content-length").next().is_some();
    match codings.as_slice() {
        [] => Ok(false),
        [_, ..] if fault.is(Fault::ChunksInChunks) => Ok(false),
        [_, ..] if has_length && fault.is(Fault::AnswerLengthBeatsCoding) => Ok(false),
        [_, ..] if has_length => Err(Refusal::gateway("both Content-Length and Transfer-Encoding")),
        [_, ..] if old && fault.is(Fault::OldCodingIgnored) => Ok(false),
        [_, ..] if old => Err(Refusal::gateway("a transfer coding in HTTP/1.0")),
        [coding] if coding.eq_ignore_ascii_case(b"chunked") => Ok(true),
        [_, ..] if fault.is(Fault::AnyAnswerCoding) => Ok(true),
        [_, ..] => Err(Refusal::gateway("a transfer coding that is not chunked")),
    }
}

fn has_member(fields: &[Field], name: &str, member: &[u8]) -> bool {
    let mut members = values(fields, name).flat_map(|value| value.split(|byte| *byte == b','));
    members.any(|text| text.trim_ascii().eq_ignore_ascii_case(member))
}

/// RFC 9110, section 8.6: digits; several fields must agree.
fn length(fields: &[Field], fault: Seeded<Fault>) -> Result<Option<usize>, Refusal> {
    let mut lengths = values(fields, "content-length");
    let Some(first) = lengths.next() else {
        return Ok(None);
    };
    let lenient = fault.is(Fault::TwoLengthsRelayed) || fault.is(Fault::FirstLengthCounts);
    if lengths.any(|other| other != first) && !lenient {
        return Err(Refusal::gateway("two Content-Length that differ"));
    }
    let text = std::str::from_utf8(first).ok();
    let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match text.and_then(|text| text.parse().ok()) {
        Some(length) => Ok(Some(length)),
        None if fault.is(Fault::AnyLengthRelayed) => Ok(None),
        None => Err(Refusal::gateway("a Content-Length that is no number")),
    }
}

/// Without what concerns the application's own connection, and what the front end says itself.
fn for_client(fields: Vec<Field>, (style, status): (Style, u16), fault: Seeded<Fault>) -> Vec<Field> {
    let named: Vec<Vec<u8>> = values(&fields, "connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|name| name.trim_ascii().to_ascii_lowercase())
        .collect();
    let kept = |name: &[u8]| match name {
        // Of HTTP it is a field like any other.
        b"status" => style == Style::Http || fault.is(Fault::StatusRelayed),
        b"content-length" => {
            fault.is(Fault::AnyLengthRelayed)
                || fault.is(Fault::TwoLengthsRelayed)
                || fault.is(Fault::EqualLengthsRelayed)
        }
        b"transfer-encoding" => fault.is(Fault::CodingRelayed),
        // RFC 9110, section 15.5.22: it is what the answer says.
        b"upgrade" if status == 426 && style == Style::Http => !fault.is(Fault::UpgradeOf426Dropped),
        b"connection" | b"keep-alive" | b"proxy-connection" | b"te" | b"trailer" | b"upgrade" => {
            fault.is(Fault::HopFieldsRelayed)
        }
        b"server" => false,
        // They name what is behind us.
        b"x-sendfile" => fault.is(Fault::InnerFieldsRelayed),
        name if name.starts_with(b"x-accel-") => fault.is(Fault::InnerFieldsRelayed),
        // Those of an authorizer are not for clients.
        name if name.starts_with(b"variable-") => false,
        name => !named.iter().any(|known| known == name) || fault.is(Fault::HopFieldsRelayed),
    };
    let fields = fields
        .into_iter()
        .filter(|(name, _)| kept(&name.to_ascii_lowercase()));
    match fault.is(Fault::SetCookiesJoined) {
        true => joined(fields.collect()),
        false => fields.collect(),
    }
}

fn joined(fields: Vec<Field>) -> Vec<Field> {
    let mut joined: Vec<Field> = Vec::new();
    for (name, value) in fields {
        match joined.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend([b", ", &value[..]].concat()),
            None => joined.push((name, value)),
        }
    }
    joined
}

fn values<'a>(fields: &'a [Field], name: &'a str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| value.as_slice())
}

const SINGLE: [&str; 6] = [
    "status",
    "location",
    "content-type",
    "etag",
    "last-modified",
    "retry-after",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str, style: Style) -> Option<u16> {
        let bytes = text.as_bytes();
        let whole = end(bytes, &mut 0, Seeded::NONE)?;
        Some(Head::parse(&bytes[..whole], style, Seeded::NONE).ok()?.status)
    }

    #[test]
    fn a_cgi_head_says_its_status_in_three_ways() {
        assert_eq!(
            status("Status: 404 Not Found\r\nA: b\r\n\r\n", Style::Cgi),
            Some(404)
        );
        assert_eq!(status("Content-Type: a/b\n\n", Style::Cgi), Some(200));
        assert_eq!(status("Location: /x\n\n", Style::Cgi), Some(302));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for bad in [
            "\n",
            "A: b\n\n",
            "Status: 99\n\n",
            "Status: 200OK\n\n",
            "Status: 103\n\n",
        ] {
            assert_eq!(status(bad, Style::Cgi), None, "{bad}");
        }
        for bad in [
            "A b",
            "A : b",
            " A: b",
            "A: b\rc",
            "A: \0",
            "Content-Length: +1",
            "Transfer-Encoding: chunked",
        ] {
            assert_eq!(
                status(&format!("Status: 200\r\n{bad}\r\n\r\n"), Style::Cgi),
                None,
                "{bad}"
            );
        }
        assert_eq!(status("HTTP/1.1 200\r\n\r\n", Style::Uwsgi), Some(200));
        for style in [Style::Uwsgi, Style::Http] {
            assert_eq!(status("A: b\r\n\r\n", style), None);
        }
    }

    #[test]
    fn only_http_has_chunks_and_those_alone() {
        let chunked = |text: &str| {
            let head = format!("{text}\r\n\r\n");
            Head::parse(head.as_bytes(), Style::Http, Seeded::NONE).map(|head| head.chunked)
        };
        assert!(chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked").is_ok_and(|chunked| chunked));
        assert!(chunked("HTTP/1.1 200 OK\r\nContent-Length: 5").is_ok_and(|chunked| !chunked));
        for bad in [
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
            "HTTP/2.0 200 OK",
        ] {
            assert!(chunked(bad).is_err(), "{bad}");
        }
    }
}
