//! The host that a request is for.

use std::net::Ipv6Addr;

use http::Version;
use http::uri::Authority;

use super::rejection::Rejection;
use super::request::Request;
use crate::protocol::fields::{FieldName, FieldValue};

/// Leaves exactly one valid `Host` field: the authority of the target if it has one, which wins over the
/// field (RFC 9112, section 3.2.2). HTTP/1.0 requests may have none.
pub fn settle(request: &mut Request) -> Result<(), Rejection> {
    let (version, fields) = (request.version, &mut request.fields);
    if fields.repeated().contains(FieldName::Host) {
        return Err(Rejection::Host);
    }
    let field = fields.get(FieldName::Host);
    let Some(authority) = &request.authority else {
        return match field {
            Some(host) if is_valid(host) => Ok(()),
            None if version == Version::HTTP_10 => Ok(()),
            _ => Err(Rejection::Host),
        };
    };
    let contradicts = |host: &[u8]| !host.eq_ignore_ascii_case(authority);
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
fn is_valid(bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return false;
    }
    // The usual name needs no parser; what has a port or is IPv6 does.
    if bytes.iter().all(is_name) {
        return true;
    }
    let Ok(authority) = Authority::try_from(bytes) else {
        return false;
    };
    let name = authority.host();
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let named = match literal {
        Some(literal) => literal.parse::<Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|byte| is_name(&byte)),
    };
    // Nothing but the name and a port: no user information, no empty or oversized port.
    let port = bytes.len() - name.len();
    named && bytes.starts_with(name.as_bytes()) && (port == 0 || authority.port_u16().is_some())
}

fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn settled(
        version: Version,
        authority: Option<&'static str>,
        hosts: &[&str],
    ) -> Result<Option<String>, &'static str> {
        let mut request = Request {
            version,
            authority: authority.map(Bytes::from),
            fields: hosts.iter().map(|host| ("Host", *host)).collect(),
            ..Request::unparsed()
        };
        settle(&mut request).map_err(|error| error.reason())?;
        let host = request.fields.get(FieldName::Host);
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
        ] {
            assert_eq!(
                settled(Version::HTTP_11, None, &[host]),
                Ok(Some(host.to_owned()))
            );
        }
        for host in [
            "", "a b", "user@a", "a/b", "a:b", "a:99999", "::1", "a,b", "a?b", "a#b", "[::1", "a:",
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
        assert_eq!(settled(Version::HTTP_11, absolute, &[]), Err("bad_host"));
        assert_eq!(settled(Version::HTTP_11, absolute, &["a b"]), Err("bad_host"));
    }
}
