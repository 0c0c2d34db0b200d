//! Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443` and CR LF.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Ends, Header, HeaderError, Origin};

/// What a line begins with.
pub(super) const START: &[u8] = b"PROXY ";

/// Bytes of the longest line, its end included (section 2.1).
const MAX_LINE: usize = 107;

/// The header at the front of bytes that begin like one.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    let Some(length) = end(bytes)? else {
        return Ok(None);
    };
    let words = bytes.get(START.len()..length).unwrap_or_default();
    let header = Header::of(origin(words)?);
    Ok(Some((header, length + END)))
}

/// Bytes of CR LF.
const END: usize = 2;

/// Where the end of the line begins.
fn end(bytes: &[u8]) -> Result<Option<usize>, HeaderError> {
    let seen = &bytes[..bytes.len().min(MAX_LINE)];
    let full = seen.len() == MAX_LINE;
    let Some(place) = seen.iter().position(u8::is_ascii_control) else {
        return if full {
            Err(HeaderError::LineTooLong)
        } else {
            Ok(None)
        };
    };
    match seen[place..] {
        [b'\r', b'\n', ..] => Ok(Some(place)),
        [b'\r'] if full => Err(HeaderError::LineTooLong),
        [b'\r'] => Ok(None),
        _ => Err(HeaderError::LineEnd),
    }
}

fn origin(words: &[u8]) -> Result<Origin, HeaderError> {
    let words = std::str::from_utf8(words).map_err(|_| HeaderError::Word)?;
    let (family, rest) = words.split_once(' ').unwrap_or((words, ""));
    match family {
        "TCP4" => ends(rest, |word| word.parse::<Ipv4Addr>().ok().map(IpAddr::from)),
        "TCP6" => ends(rest, |word| word.parse::<Ipv6Addr>().ok().map(IpAddr::from)),
        // Whatever follows is to be ignored.
        "UNKNOWN" => Ok(Origin::Unknown),
        _ => Err(HeaderError::Word),
    }
}

fn ends(words: &str, address: impl Fn(&str) -> Option<IpAddr>) -> Result<Origin, HeaderError> {
    let mut words = words.split(' ');
    let mut next = || words.next().ok_or(HeaderError::Address);
    let (source, destination, from, to) = (next()?, next()?, next()?, next()?);
    if next().is_ok() {
        return Err(HeaderError::Address);
    }
    let end = |ip, number| {
        let ip = address(ip).ok_or(HeaderError::Address)?;
        Ok(SocketAddr::new(ip, port(number).ok_or(HeaderError::Port)?))
    };
    Ok(Origin::Tcp(Ends {
        source: end(source, from)?,
        destination: end(destination, to)?,
    }))
}

/// Decimal digits, without a zero in front.
fn port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = digits == "0" || !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain && is_short)
}
