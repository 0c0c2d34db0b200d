//! The lines of a head: one parser per wire unit.

use std::ops::Range;

use http::StatusCode;
use memchr::memchr;
use nom::branch::alt;
use nom::bytes::complete::{tag, take};
use nom::character::complete::{char, one_of};
use nom::combinator::{eof, map_opt, opt, recognize};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use super::HeadError;
use crate::protocol::fields::{has_control, is_token_byte, trim};

/// What a status line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusLine {
    /// Whether a connection stays open unless the head says otherwise: HTTP/1.1 and later.
    pub(super) persistent: bool,
    /// Any status, interim ones too.
    pub(super) status: StatusCode,
}

/// The line that starts here, and where the next one does; the line end is CR LF or LF.
#[inline]
pub(super) fn line(block: &[u8], start: usize) -> Option<(Range<usize>, usize)> {
    let feed = start + memchr(b'\n', &block[start..])?;
    let text = &block[start..feed];
    let length = text.strip_suffix(b"\r").unwrap_or(text).len();
    Some((start..start + length, feed + 1))
}

/// Where the next line starts, if this is a line end.
#[inline]
pub(super) fn behind_end(block: &[u8], at: usize) -> Option<usize> {
    match &block[at..] {
        [b'\n', ..] => Some(at + 1),
        [b'\r', b'\n', ..] => Some(at + 2),
        _ => None,
    }
}

/// What is wrong with the line that starts here and is no field; `None` when it is not complete.
#[cold]
pub(super) fn not_a_field(block: &[u8], start: usize) -> Option<HeadError> {
    let line = &block[line(block, start)?.0];
    Some(match line.iter().position(|byte| !is_token_byte(*byte)) {
        Some(colon @ 1..) if line[colon] == b':' => first_control(&line[colon + 1..]),
        _ => not_a_name(line),
    })
}

/// What is wrong with a line that does not start with a name and a colon.
fn not_a_name(line: &[u8]) -> HeadError {
    if line.first().is_some_and(|&byte| is_blank(byte)) {
        return HeadError::Folded;
    }
    match memchr(b':', line).map(|colon| &line[..colon]) {
        None => HeadError::NoColon,
        Some([]) => HeadError::EmptyName,
        Some([.., b' ' | b'\t']) => HeadError::SpaceBeforeColon,
        Some(_) => HeadError::Name,
    }
}

/// RFC 9112, section 4: `HTTP/1.1 404 Not Found`; the reason may be missing.
pub(super) fn status_line(line: &[u8]) -> Result<StatusLine, HeadError> {
    let (rest, persistent) = http_version(line).map_err(|_| HeadError::StatusLine)?;
    let (reason, status) = status_code(rest).map_err(|_| HeadError::StatusLine)?;
    check_text(reason)?;
    Ok(StatusLine { persistent, status })
}

/// The status line of an HTTP server: HTTP/1.x.
pub(super) fn http1_status_line(line: &[u8]) -> Result<StatusLine, HeadError> {
    let [
        b'H',
        b'T',
        b'T',
        b'P',
        b'/',
        b'1',
        b'.',
        minor @ b'0'..=b'9',
        b' ',
        status @ ..,
    ] = line
    else {
        return Err(HeadError::StatusLine);
    };
    let (status, reason) = match status.split_first_chunk::<3>() {
        Some((status, reason @ ([] | [b' ', ..]))) => (status, reason),
        _ => return Err(HeadError::StatusLine),
    };
    let status = StatusCode::from_bytes(status).map_err(|_| HeadError::StatusLine)?;
    check_text(reason)?;
    Ok(StatusLine {
        persistent: *minor >= b'1',
        status,
    })
}

/// The version and the space behind it; whether it is 1.1 or later.
fn http_version(input: &[u8]) -> IResult<&[u8], bool> {
    let (input, major) = preceded(tag("HTTP/"), digit).parse(input)?;
    let (input, minor) = terminated(opt(preceded(char('.'), digit)), char(' ')).parse(input)?;
    Ok((input, (major, minor.unwrap_or('0')) >= ('1', '1')))
}

/// The value of a `Status` field: `404`, `404 Not Found`. The reason is dropped.
pub(super) fn status(value: &[u8]) -> Result<StatusCode, HeadError> {
    let (reason, status) = status_code(value).map_err(|_| HeadError::Status)?;
    check_text(reason)?;
    Ok(status)
}

/// Exactly three digits, then the end or a space and the reason.
fn status_code(input: &[u8]) -> IResult<&[u8], StatusCode> {
    terminated(three_digits, end_or_blank).parse(input)
}

/// From 100 to 999: servers invent some above 599, and their clients know them.
fn three_digits(input: &[u8]) -> IResult<&[u8], StatusCode> {
    map_opt(take(3usize), |digits| StatusCode::from_bytes(digits).ok()).parse(input)
}

fn end_or_blank(input: &[u8]) -> IResult<&[u8], &[u8]> {
    alt((eof, recognize(char(' ')))).parse(input)
}

fn digit(input: &[u8]) -> IResult<&[u8], char> {
    one_of("0123456789").parse(input)
}

/// A `Content-Length`: digits and nothing else.
pub(super) fn content_length(value: &[u8]) -> Result<u64, HeadError> {
    decimal(value).ok_or(HeadError::Length)
}

/// A list of lengths that are all the same: lines that something on the way has joined (RFC 9110, section 8.6).
#[cold]
pub(super) fn joined_lengths(list: &[u8]) -> Result<u64, HeadError> {
    let mut lengths = list
        .split(|byte| *byte == b',')
        .map(|member| content_length(trim(member)));
    let first = lengths.next().unwrap_or(Err(HeadError::Length))?;
    for other in lengths {
        if other? != first {
            return Err(HeadError::ConflictingLength);
        }
    }
    Ok(first)
}

/// A number of digits only, without sign or surroundings.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// No CR, NUL or other control byte; tabs and the upper half pass.
#[inline]
pub(super) fn check_text(text: &[u8]) -> Result<(), HeadError> {
    match has_control(text) {
        false => Ok(()),
        true => Err(first_control(text)),
    }
}

#[cold]
fn first_control(text: &[u8]) -> HeadError {
    match text.iter().find(|byte| has_control(&[**byte])) {
        Some(b'\r') => HeadError::BareCr,
        _ => HeadError::ControlByte,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::FieldLine;

    #[test]
    fn status_is_three_digits_and_a_reason() {
        for (value, expected) in [
            ("404", Ok(404)),
            ("404 Not Found", Ok(404)),
            ("499 ", Ok(499)),
            ("103 Early", Ok(103)),
            ("599 \u{e9}", Ok(599)),
            ("600", Ok(600)),
            ("999 Odd", Ok(999)),
            ("099", Err(HeadError::Status)),
            ("99", Err(HeadError::Status)),
            ("000", Err(HeadError::Status)),
            ("1000", Err(HeadError::Status)),
            ("200OK", Err(HeadError::Status)),
            ("+20", Err(HeadError::Status)),
            ("abc", Err(HeadError::Status)),
            ("", Err(HeadError::Status)),
            ("200 O\0K", Err(HeadError::ControlByte)),
            ("200 O\rK", Err(HeadError::BareCr)),
        ] {
            assert_eq!(
                status(value.as_bytes()).map(|s| s.as_u16()),
                expected,
                "{value:?}"
            );
        }
    }

    #[test]
    fn status_line_tells_version_and_status() {
        for (text, expected) in [
            ("HTTP/1.1 200 OK", Ok((true, 200))),
            ("HTTP/1.0 200 OK", Ok((false, 200))),
            ("HTTP/2.0 200 OK", Ok((true, 200))),
            ("HTTP/1.1 404", Ok((true, 404))),
            ("HTTP/1.1 999 Odd", Ok((true, 999))),
            ("HTTP/1.1 101 Web Socket Protocol Handshake", Ok((true, 101))),
            ("HTTP/1.1 abc", Err(HeadError::StatusLine)),
            ("HTTP/1.1 1000", Err(HeadError::StatusLine)),
            ("HTTP/1.1  200", Err(HeadError::StatusLine)),
            ("HTTP/x.1 200", Err(HeadError::StatusLine)),
            ("HTTP/1.1", Err(HeadError::StatusLine)),
            ("zzz", Err(HeadError::StatusLine)),
        ] {
            let found = status_line(text.as_bytes()).map(|line| (line.persistent, line.status.as_u16()));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn an_http_server_has_a_version_of_its_own() {
        for (text, expected) in [
            ("HTTP/1.1 200 OK", Some((true, 200))),
            ("HTTP/1.0 404", Some((false, 404))),
            ("HTTP/1.2 999 Odd", Some((true, 999))),
            ("HTTP/2.0 200 OK", None),
            ("HTTP/1 200 OK", None),
            ("HTTP/1.10 200 OK", None),
            ("HTTP/1.1 99 OK", None),
            ("HTTP/1.1 200OK", None),
            ("http/1.1 200 OK", None),
            ("", None),
        ] {
            let found =
                http1_status_line(text.as_bytes()).map(|line| (line.persistent, line.status.as_u16()));
            assert_eq!(found.ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn content_length_is_digits_only() {
        for (value, expected) in [
            ("0", Some(0)),
            ("005", Some(5)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("-5", None),
            ("+5", None),
            ("5abc", None),
            ("5, 5", None),
            ("0x5", None),
        ] {
            assert_eq!(content_length(value.as_bytes()).ok(), expected, "{value:?}");
        }
    }

    /// The one field line, or what is wrong with it.
    fn field(block: &[u8]) -> Result<FieldLine, Option<HeadError>> {
        match FieldLine::read(block, 2) {
            Some((line, end)) if behind_end(block, end) == Some(block.len()) => Ok(line),
            _ => Err(not_a_field(block, 2)),
        }
    }

    #[test]
    fn a_field_is_a_name_and_a_value_without_blanks() {
        for (text, expected) in [
            ("a:b", Ok(("a", "b"))),
            ("A-b: \t c d\t ", Ok(("A-b", "c d"))),
            ("a:", Ok(("a", ""))),
            ("a: \t", Ok(("a", ""))),
            ("a::", Ok(("a", ":"))),
            ("", Err(HeadError::NoColon)),
            ("a b", Err(HeadError::NoColon)),
            (":", Err(HeadError::EmptyName)),
            ("a :b", Err(HeadError::SpaceBeforeColon)),
            ("a\t:b", Err(HeadError::SpaceBeforeColon)),
            ("a b:c", Err(HeadError::Name)),
            ("a\0:c", Err(HeadError::Name)),
            ("\u{e4}:c", Err(HeadError::Name)),
            (" a:b", Err(HeadError::Folded)),
            ("\t", Err(HeadError::Folded)),
            ("a: b\rc", Err(HeadError::BareCr)),
            ("a: \r\r", Err(HeadError::BareCr)),
            ("a: b\x7f\r", Err(HeadError::ControlByte)),
        ] {
            for end in ["\n", "\r\n"] {
                let block = format!("..{text}{end}");
                let parts = field(block.as_bytes()).map(|line| (&block[line.spelling], &block[line.value]));
                assert_eq!(parts, expected.map_err(Some), "{text:?}");
                for short in 2..block.len() {
                    assert_eq!(field(&block.as_bytes()[..short]), Err(None), "{text:?}");
                }
            }
        }
    }
}
