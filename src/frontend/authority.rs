//! The host that a request is for.

use std::net::Ipv6Addr;

use bytes::Bytes;
use http::Version;
use memchr::memchr;

use super::rejection::Rejection;
use crate::protocol::RequestHead;
use crate::protocol::fields::{FieldName, FieldValue};

/// Leaves exactly one valid `Host` field: the authority of the target if it has one, which wins over the
/// field (RFC 9112, section 3.2.2). HTTP/1.0 requests may have none.
pub fn settle(head: &mut RequestHead, authority: Option<&Bytes>) -> Result<(), Rejection> {
    let (version, fields) = (head.version, &mut head.fields);
    if fields.repeated().contains(FieldName::Host) {
        return Err(Rejection::Host);
    }
    let field = fields.get(FieldName::Host);
    let Some(authority) = authority else {
        return match field {
            Some(host) if is_valid(host) => Ok(()),
            None if version == Version::HTTP_10 => Ok(()),
            _ => Err(Rejection::Host),
        };
    };
    let contradicts = |host: &[u8]| !is_same(host, authority);
    // Two names for one request in HTTP/2: somebody wants two parties to read different ones.
    if version == Version::HTTP_2 && field.is_some_and(contradicts) {
        return Err(Rejection::Host);
    }
    // Not used, but to be there and to be valid all the same (RFC 9112, section 3.2).
    if version == Version::HTTP_11 && !field.is_some_and(is_valid) {
        return Err(Rejection::Host);
    }
    match FieldValue::new(authority).filter(|_| is_valid(authority)) {
        Some(host) => fields.set(FieldName::Host, host),
        None => return Err(Rejection::Host),
    }
    Ok(())
}

/// `host[:port]` without user information, white space or path (RFC 9110, section 7.2).
fn is_valid(authority: &[u8]) -> bool {
    Parts::of(authority).is_some()
}

/// Whether two authorities name one host and one port (RFC 3986, section 6.2.3).
fn is_same(one: &[u8], other: &[u8]) -> bool {
    match (Parts::of(one), Parts::of(other)) {
        (Some(one), Some(other)) => one.port == other.port && one.name().eq_ignore_ascii_case(other.name()),
        _ => false,
    }
}

/// A valid authority. An empty port is none.
struct Parts<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> Parts<'a> {
    fn of(authority: &'a [u8]) -> Option<Self> {
        let end = match authority {
            [b'[', ..] => memchr(b']', authority)? + 1,
            _ => memchr(b':', authority).unwrap_or(authority.len()),
        };
        let (host, rest) = authority.split_at(end);
        let valid = match host {
            [b'[', literal @ .., b']'] => std::str::from_utf8(literal).is_ok_and(is_ipv6),
            _ => is_name(host),
        };
        let port = port(rest)?;
        valid.then_some(Self { host, port })
    }

    /// The host without the dot of the root, which belongs to no name.
    fn name(&self) -> &'a [u8] {
        self.host.strip_suffix(b".").unwrap_or(self.host)
    }
}

/// Labels with dots between them, none of them empty. The root may have its dot.
fn is_name(text: &[u8]) -> bool {
    let mut begins = true;
    for byte in text {
        match LETTERS[usize::from(*byte)] {
            Letter::Dot if begins => return false,
            Letter::None => return false,
            letter => begins = letter == Letter::Dot,
        }
    }
    !text.is_empty()
}

/// What a byte is in a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    None,
    OfLabel,
    Dot,
}

/// Every request has a name: it is read by table.
const LETTERS: [Letter; 256] = {
    let mut letters = [Letter::None; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        letters[byte as usize] = match byte {
            b'.' => Letter::Dot,
            b'-' | b'_' => Letter::OfLabel,
            _ if byte.is_ascii_alphanumeric() => Letter::OfLabel,
            _ => Letter::None,
        };
        byte += 1;
    }
    letters
};

fn is_ipv6(literal: &str) -> bool {
    literal.parse::<Ipv6Addr>().is_ok()
}

/// What follows a host: `Some(None)` is nothing, or a colon alone.
fn port(rest: &[u8]) -> Option<Option<u16>> {
    match rest {
        [] | [b':'] => Some(None),
        [b':', digits @ ..] => digits.iter().try_fold(0, add_digit).map(Some),
        _ => None,
    }
}

fn add_digit(number: u16, digit: &u8) -> Option<u16> {
    let value = digit.wrapping_sub(b'0');
    let ten = number.checked_mul(10).filter(|_| value < 10)?;
    ten.checked_add(value.into())
}

#[cfg(test)]
mod tests {
    use super::super::received::Received;
    use super::super::request::Request;
    use super::*;
    use crate::protocol::request::RequestId;

    fn settled(
        version: Version,
        authority: Option<&'static str>,
        hosts: &[&str],
    ) -> Result<Option<String>, &'static str> {
        let request = Request {
            version,
            fields: hosts.iter().map(|host| ("Host", *host)).collect(),
            ..Request::unparsed()
        };
        let mut head = Received::new(request, RequestId(0)).head;
        let authority = authority.map(Bytes::from);
        settle(&mut head, authority.as_ref()).map_err(|error| error.reason().as_str())?;
        let host = head.fields.get(FieldName::Host);
        Ok(host.map(|host| String::from_utf8(host.to_vec()).unwrap()))
    }

    #[test]
    fn one_valid_host_is_needed() {
        for host in [
            "a.example",
            "a.example:8080",
            "[::1]:80",
            "[::1]",
            "127.0.0.1:1",
            "under_score",
            // No port, and the root's dot.
            "a.example:",
            "a.example.",
            "a.example.:8080",
            "[::1]:",
        ] {
            assert_eq!(
                settled(Version::HTTP_11, None, &[host]),
                Ok(Some(host.to_owned()))
            );
        }
        for host in [
            "",
            "a b",
            "user@a",
            "a/b",
            "a:b",
            "a:99999",
            "::1",
            "a,b",
            "a?b",
            "a#b",
            "[::1",
            "a:+1",
            "a:1:2",
            ":80",
            ":",
            ".",
            "..",
            ".a",
            "a..b",
            "a..",
            "user:word@a",
            "@a",
            "a@",
            "[::1]x",
            "[::1]x:80",
            "[::1].:80",
            "[::1]80",
            "[::1]]",
            "[]",
            "[a]",
            "[::1%25eth0]",
            "\u{e9}",
            "a%2eb",
        ] {
            assert_eq!(
                settled(Version::HTTP_11, None, &[host]),
                Err("bad_host"),
                "{host}"
            );
        }
        assert_eq!(settled(Version::HTTP_11, None, &[]), Err("bad_host"));
        assert_eq!(settled(Version::HTTP_10, None, &[]), Ok(None));
        assert_eq!(settled(Version::HTTP_11, None, &["a", "a"]), Err("bad_host"));
    }

    #[test]
    fn the_target_wins_over_the_field() {
        let absolute = Some("target.example");
        assert_eq!(
            settled(Version::HTTP_11, absolute, &["other"]),
            Ok(Some("target.example".into()))
        );
        assert_eq!(
            settled(Version::HTTP_2, absolute, &[]),
            Ok(Some("target.example".into()))
        );
        assert_eq!(settled(Version::HTTP_2, absolute, &["other"]), Err("bad_host"));
        for host in ["target.example.", "Target.Example:", "target.example"] {
            assert_eq!(
                settled(Version::HTTP_2, absolute, &[host]),
                Ok(Some("target.example".into())),
                "{host}"
            );
        }
        assert_eq!(settled(Version::HTTP_11, absolute, &[]), Err("bad_host"));
        assert_eq!(settled(Version::HTTP_11, absolute, &["a b"]), Err("bad_host"));
    }
}
