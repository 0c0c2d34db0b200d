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
    // Two names for one request in HTTP/2: two parties are meant to read different ones.
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
            _ => name_len(authority),
        };
        let (host, rest) = authority.split_at(end);
        let valid = match host {
            [b'[', literal @ .., b']'] => std::str::from_utf8(literal).is_ok_and(is_ipv6),
            _ => !host.is_empty(),
        };
        let port = port(rest)?;
        valid.then_some(Self { host, port })
    }

    /// The host without the dot of the root, which belongs to no name.
    fn name(&self) -> &'a [u8] {
        self.host.strip_suffix(b".").unwrap_or(self.host)
    }
}

/// Bytes of the name that the text starts with: labels with dots between them, none of them empty. The root may have its
/// dot.
fn name_len(text: &[u8]) -> usize {
    let mut last = b'.';
    let ends = |byte: &u8| {
        let fits = LABEL[usize::from(*byte)] || *byte == b'.' && last != b'.';
        last = *byte;
        !fits
    };
    text.iter().position(ends).unwrap_or(text.len())
}

/// Which bytes a label may have. A table: every byte of every `Host` passes here.
const LABEL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'_');
        byte += 1;
    }
    table
};

fn is_ipv6(literal: &str) -> bool {
    literal.parse::<Ipv6Addr>().is_ok()
}

/// What follows a host: `Some(None)` is nothing, or a colon alone.
fn port(rest: &[u8]) -> Option<Option<u16>> {
    match rest {
        [] | [b':'] => Some(None),
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).ok()?.parse().ok().map(Some)
        }
        _ => None,
    }
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
