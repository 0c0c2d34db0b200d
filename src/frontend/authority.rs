//! The host that a request is for.

use bytes::Bytes;
use http::Version;

use super::rejection::Rejection;
use crate::protocol::fields::{FieldName, FieldValue};
use crate::protocol::{Authority, RequestHead};

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

fn is_valid(authority: &[u8]) -> bool {
    Authority::parse(authority).is_some()
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    match (Authority::parse(one), Authority::parse(other)) {
        (Some(one), Some(other)) => one.is_same(&other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::received::Received;
    use super::super::request::Request;
    use super::*;
    use crate::protocol::authority::samples::{HOSTS, NO_HOSTS};
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
        for (host, ..) in HOSTS {
            assert_eq!(
                settled(Version::HTTP_11, None, &[host]),
                Ok(Some(host.to_owned()))
            );
        }
        for host in NO_HOSTS {
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
