//! The lines of a head: one nom parser per wire unit.

use http::StatusCode;
use memchr::memchr;
use nom::branch::alt;
use nom::bytes::complete::{tag, take};
use nom::character::complete::{char, one_of};
use nom::combinator::{eof, map_opt, opt, recognize, verify};
use nom::error::{Error, ErrorKind};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use super::HeadError;

/// What a status line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusLine {
    /// Whether a connection stays open unless the head says otherwise: HTTP/1.1 and later.
    pub(super) persistent: bool,
    /// Any status, interim ones too.
    pub(super) status: StatusCode,
}

/// Cuts the first line off a block in which every line ends; the line end is CR LF or LF.
pub(super) fn line(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (input, line) = until(b'\n')(input)?;
    Ok((input, line.strip_suffix(b"\r").unwrap_or(line)))
}

/// Everything up to a byte that has to be there; the byte itself is dropped.
fn until(end: u8) -> impl Fn(&[u8]) -> IResult<&[u8], &[u8]> {
    move |input| match memchr(end, input) {
        Some(at) => Ok((&input[at + 1..], &input[..at])),
        None => Err(nom::Err::Error(Error::new(input, ErrorKind::Char))),
    }
}

/// A field line: name and value, the value without the whitespace around it.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), HeadError> {
    if line.first().is_some_and(|&byte| is_blank(byte)) {
        return Err(HeadError::Folded);
    }
    let (value, name) = until(b':')(line).map_err(|_| HeadError::NoColon)?;
    Ok((name, trim(value)))
}

/// RFC 9112, section 4: `HTTP/1.1 404 Not Found`; the reason may be missing.
pub(super) fn status_line(line: &[u8]) -> Result<StatusLine, HeadError> {
    let (rest, persistent) = http_version(line).map_err(|_| HeadError::StatusLine)?;
    let (reason, status) = status_code(rest).map_err(|_| HeadError::StatusLine)?;
    check_text(reason)?;
    Ok(StatusLine { persistent, status })
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

/// Exactly three digits from 100 to 599, then the end or a space and the reason.
fn status_code(input: &[u8]) -> IResult<&[u8], StatusCode> {
    let code = map_opt(take(3usize), |digits| StatusCode::from_bytes(digits).ok());
    terminated(
        verify(code, |status: &StatusCode| status.as_u16() < 600),
        alt((eof, recognize(char(' ')))),
    )
    .parse(input)
}

fn digit(input: &[u8]) -> IResult<&[u8], char> {
    one_of("0123456789").parse(input)
}

/// A `Content-Length`: digits and nothing else.
pub(super) fn content_length(value: &[u8]) -> Result<u64, HeadError> {
    decimal(value).ok_or(HeadError::Length)
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

/// The members of a comma-separated list.
pub(super) fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// No CR, NUL or other control byte; tabs and the upper half pass.
pub(super) fn check_text(text: &[u8]) -> Result<(), HeadError> {
    match text.iter().find(|&&byte| is_control(byte)) {
        None => Ok(()),
        Some(b'\r') => Err(HeadError::BareCr),
        Some(_) => Err(HeadError::ControlByte),
    }
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, inner @ ..] = text
        && is_blank(*first)
    {
        text = inner;
    }
    while let [inner @ .., last] = text
        && is_blank(*last)
    {
        text = inner;
    }
    text
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_control(byte: u8) -> bool {
    byte < b' ' && byte != b'\t' || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_three_digits_and_a_reason() {
        for (value, expected) in [
            ("404", Ok(404)),
            ("404 Not Found", Ok(404)),
            ("499 ", Ok(499)),
            ("103 Early", Ok(103)),
            ("599 \u{e9}", Ok(599)),
            ("600", Err(HeadError::Status)),
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

    #[test]
    fn lists_lose_blanks_and_empty_members() {
        let found: Vec<&[u8]> = members(b" close ,\t,X-Secret").collect();
        assert_eq!(found, [b"close".as_slice(), b"X-Secret"]);
    }
}
