//! What a request must be before anything is done with it.
//!
//! hyper has parsed it: field names are tokens, values free of control characters, the framing is known.
//! What it lets through and a gateway must not is refused here (reference, section 4).

use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use super::authority;
use super::rejection::Rejection;
use crate::protocol::{hop_by_hop, params};

/// What was found out about a request, before its header fields were cleaned.
#[derive(Debug)]
pub struct Inspected {
    /// `Content-Length`.
    pub announced: Option<u64>,
    /// The protocol that the client wants to switch to, if it may.
    pub upgrade: Option<HeaderValue>,
    /// Whether the client sends its body only when it is asked to.
    pub awaited: bool,
    /// Fields dropped because no variable may come from them.
    pub dropped: usize,
}

/// Refuses what must not go on; leaves end-to-end fields that may become variables.
pub fn inspect(parts: &mut Parts) -> Result<Inspected, Rejection> {
    let (version, headers) = (parts.version, &mut parts.headers);
    target(&parts.method, &parts.uri)?;
    authority::settle(version, &parts.uri, headers)?;
    if version == Version::HTTP_2 && headers.values().any(is_padded) {
        return Err(Rejection::Padded);
    }
    let seen = Seen::among(headers);
    if seen.transfer_encoding {
        transfer_encoding(headers)?;
    }
    if seen.expect {
        expectation(version, headers)?;
    }
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let upgrade = if seen.upgrade {
        upgrade(version, &parts.method, headers)
    } else {
        None
    };
    let dropped = params::screen(headers).map_err(|_| Rejection::Conflict)?;
    hop_by_hop::strip(headers);
    Ok(Inspected {
        announced,
        upgrade,
        awaited: seen.expect,
        dropped,
    })
}

/// Which fields are there that need a closer look: found out in one pass, as most requests have none.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    transfer_encoding: bool,
    expect: bool,
    upgrade: bool,
}

impl Seen {
    fn among(headers: &HeaderMap) -> Self {
        let mut seen = Self::default();
        for name in headers.keys() {
            seen.transfer_encoding |= *name == TRANSFER_ENCODING;
            seen.expect |= *name == EXPECT;
            seen.upgrade |= *name == UPGRADE;
        }
        seen
    }
}

/// The authority alone is for CONNECT, and `*` for OPTIONS (RFC 9112, sections 3.2.3 and 3.2.4). hyper parses both
/// for every method, and would have `GET a.example` mean the root of that host.
fn target(method: &Method, uri: &Uri) -> Result<(), Rejection> {
    let is_authority = uri.authority().is_some() && uri.scheme().is_none();
    if is_authority || (uri.path() == "*" && *method != Method::OPTIONS) {
        return Err(Rejection::Target);
    }
    Ok(())
}

/// HTTP/1 parsers remove white space around a value; in HTTP/2 there must be none (RFC 9113, section 8.2.1), and h2
/// lets it through. Two parties that compare such a value would not agree.
fn is_padded(value: &HeaderValue) -> bool {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = value.as_bytes();
    blank(bytes.first()) || blank(bytes.last())
}

/// Exactly one `chunked`, in any case: everything else is how requests are smuggled (TE.TE).
fn transfer_encoding(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    match (values.next(), values.next()) {
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Rejection::TransferEncoding),
    }
}

/// RFC 9110, section 10.1.1. hyper sends the 100 when the body is first asked for.
fn expectation(version: Version, headers: &mut HeaderMap) -> Result<(), Rejection> {
    let known = headers
        .get_all(EXPECT)
        .iter()
        .all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !known && version != Version::HTTP_10 {
        return Err(Rejection::Expectation);
    }
    headers.remove(EXPECT);
    Ok(())
}

/// The wanted protocol. HTTP/2 over clear text is not switched to: a backend behind us that did would be
/// talked to past every check of ours.
fn upgrade(version: Version, method: &Method, headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = headers.get(UPGRADE)?;
    let possible = version == Version::HTTP_11 && *method == Method::GET;
    let h2c = wanted
        .to_str()
        .is_ok_and(|wanted| wanted.to_ascii_lowercase().contains("h2c"));
    (possible && !h2c && hop_by_hop::connection_has(headers, "upgrade")).then(|| wanted.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspected(fields: &[(&str, &str)]) -> Result<(Inspected, HeaderMap), &'static str> {
        let mut request = http::Request::builder().uri("/").header("host", "a.example");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let inspected = inspect(&mut parts).map_err(|error| error.reason())?;
        Ok((inspected, parts.headers))
    }

    #[test]
    fn white_space_around_a_value_is_refused_in_http2() {
        for (value, refused) in [
            (" a", true),
            ("a ", true),
            ("\t", true),
            ("a b", false),
            ("", false),
        ] {
            let request = http::Request::builder().uri("http://a.example/");
            let request = request.version(Version::HTTP_2).header("x-a", value);
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            let reason = inspect(&mut parts).err().map(|error| error.reason());
            assert_eq!(reason, refused.then_some("bad_field"), "{value:?}");
        }
        assert!(
            inspected(&[("x-a", " a")]).is_ok(),
            "hyper has removed it in HTTP/1"
        );
    }

    #[test]
    fn only_a_single_chunked_is_a_transfer_coding() {
        assert!(inspected(&[("transfer-encoding", "Chunked")]).is_ok());
        for coding in ["gzip, chunked", "xchunked", "chunked,", "identity", ""] {
            assert_eq!(
                inspected(&[("transfer-encoding", coding)]).err(),
                Some("transfer_encoding")
            );
        }
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert_eq!(inspected(&twice).err(), Some("transfer_encoding"));
    }

    #[test]
    fn an_unknown_expectation_is_refused_and_a_known_one_ends_here() {
        assert_eq!(inspected(&[("expect", "tea")]).err(), Some("expectation"));
        let (_, headers) = inspected(&[("expect", "100-Continue")]).unwrap();
        assert!(!headers.contains_key(EXPECT));
    }

    #[test]
    fn an_upgrade_needs_both_fields_and_is_never_h2c() {
        let ask = |protocol: &str, connection: &str| {
            inspected(&[("upgrade", protocol), ("connection", connection)])
                .unwrap()
                .0
                .upgrade
        };
        assert_eq!(ask("websocket", "keep-alive, Upgrade").unwrap(), "websocket");
        assert_eq!(ask("websocket", "close"), None);
        assert_eq!(ask("h2c", "upgrade"), None);
        let (_, headers) = inspected(&[("upgrade", "websocket"), ("connection", "upgrade")]).unwrap();
        assert!(!headers.contains_key(UPGRADE));
    }
}
