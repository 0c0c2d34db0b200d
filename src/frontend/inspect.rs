//! What a request must be before anything is done with it.
//!
//! It has been parsed: field names are tokens, values free of control characters, the framing is known.
//! What a parser lets through and a gateway must not is refused here (reference, section 4).

use bytes::Bytes;
use http::{Method, Version};

use super::received::Received;
use super::rejection::Rejection;
use super::trust::Trust;
use super::{authority, options};
use crate::protocol::fields::{FieldName, Fields, members};
use crate::protocol::params::Underscores;
use crate::protocol::{hop_by_hop, params};

/// Refuses what must not go on; leaves end-to-end fields that may become variables. `trust` knows one that `Connection`
/// cannot take away.
pub fn inspect(request: &mut Received, trust: &Trust) -> Result<(), Rejection> {
    let head = &mut request.head;
    if matches!(head.method, Method::CONNECT | Method::TRACE) {
        return Err(not_served(&head.method));
    }
    // `*` is for OPTIONS (RFC 9112, section 3.2.4).
    if head.target.as_bytes() == b"*" && head.method != Method::OPTIONS {
        return Err(Rejection::Target);
    }
    authority::settle(head, request.authority.as_deref())?;
    let version = head.version;
    let fields = &mut head.fields;
    if version == Version::HTTP_2
        && let Some(field) = fields.iter().find(|field| is_padded(field.value))
    {
        return Err(Rejection::Padded(text(field.spelling)));
    }
    let inspected = &mut request.inspected;
    let present = fields.present();
    if present.contains(FieldName::TransferEncoding) {
        transfer_encoding(fields)?;
    }
    inspected.awaited = present.contains(FieldName::Expect);
    if inspected.awaited {
        expectation(version, fields)?;
    }
    inspected.announced = fields.get(FieldName::ContentLength).and_then(number);
    if present.contains(FieldName::Upgrade) {
        inspected.upgrade = upgrade(version, &head.method, fields);
    }
    if present.contains(FieldName::Te) {
        head.trailers = version != Version::HTTP_10 && takes_trailers(fields);
    }
    if trust.underscores == Underscores::Refuse
        && let Some(field) = fields.others().find(|field| field.spelling.contains(&b'_'))
    {
        return Err(Rejection::Underscore(text(field.spelling)));
    }
    let named = trust.client_ip.from.other();
    inspected.dropped = match params::screen(fields, trust.underscores) {
        Ok(dropped) => dropped,
        Err(_) => return Err(Rejection::Conflict(conflict(fields))),
    };
    if let Some(name) = named.filter(|_| trust.underscores == Underscores::Pass) {
        inspected.dropped += drop_twins(fields, name);
    }
    hop_by_hop::strip(fields, named);
    Ok(())
}

/// TRACE would show a page's scripts what the browser keeps from them, and an attacker what proxies add (RFC 9110, section
/// 9.3.8).
#[cold]
fn not_served(method: &Method) -> Rejection {
    match *method {
        Method::CONNECT => Rejection::Connect,
        _ => Rejection::Method(options::METHODS),
    }
}

/// Drops what an application could not tell from the field in which proxies name the client.
#[cold]
fn drop_twins(fields: &mut Fields, name: &[u8]) -> usize {
    let before = fields.len();
    let hyphen = |byte: &u8| {
        if *byte == b'_' {
            b'-'
        } else {
            byte.to_ascii_lowercase()
        }
    };
    fields.retain(|field| {
        let other = field.spelling.contains(&b'_');
        !(other && field.spelling.iter().map(hyphen).eq(name.iter().map(hyphen)))
    });
    before - fields.len()
}

/// Which two fields are in conflict.
#[cold]
fn conflict(fields: &Fields) -> String {
    match params::conflict(fields) {
        Some((one, other)) => format!("`{}` and `{}` become the same variable", text(one), text(other)),
        None => "two header fields become the same variable".to_owned(),
    }
}

/// The name of a field, which is a token.
fn text(name: &[u8]) -> String {
    name.escape_ascii().to_string()
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// HTTP/1 parsers remove white space around a value; in HTTP/2 there must be none (RFC 9113, section 8.2.1), and h2
/// lets it through. Two parties that compare such a value would not agree.
fn is_padded(value: &[u8]) -> bool {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    blank(value.first()) || blank(value.last())
}

/// Exactly one `chunked`, in any case: everything else is how requests are smuggled (TE.TE).
fn transfer_encoding(fields: &Fields) -> Result<(), Rejection> {
    let only = !fields.repeated().contains(FieldName::TransferEncoding);
    match fields.get(FieldName::TransferEncoding) {
        Some(coding) if only && coding.eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Rejection::TransferEncoding),
    }
}

/// RFC 9110, section 10.1.1. The 100 is sent when the body is first asked for.
fn expectation(version: Version, fields: &mut Fields) -> Result<(), Rejection> {
    let known = fields
        .all(FieldName::Expect)
        .all(|value| value.eq_ignore_ascii_case(b"100-continue"));
    if !known && version != Version::HTTP_10 {
        return Err(Rejection::Expectation);
    }
    fields.remove(FieldName::Expect);
    Ok(())
}

/// RFC 9110, section 10.1.4.
fn takes_trailers(fields: &Fields) -> bool {
    let mut listed = fields.all(FieldName::Te).flat_map(members);
    listed.any(|member| member.eq_ignore_ascii_case(b"trailers"))
}

/// The wanted protocol. HTTP/2 over clear text is not switched to: a backend behind us that did would be
/// talked to past every check of ours.
fn upgrade(version: Version, method: &Method, fields: &Fields) -> Option<Bytes> {
    let wanted = fields.to_bytes(FieldName::Upgrade)?;
    // The bytes of a body would be taken for bytes of the other protocol.
    let length = fields.get(FieldName::ContentLength);
    let bodiless =
        !fields.contains(FieldName::TransferEncoding) && length.is_none_or(|length| length == b"0");
    // In HTTP/2, it is our own word for a tunnel.
    let possible = version != Version::HTTP_10 && *method == Method::GET && bodiless;
    let h2c = wanted.windows(3).any(|part| part.eq_ignore_ascii_case(b"h2c"));
    (possible && !h2c && fields.connection_has("upgrade")).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::super::received::Inspected;
    use super::super::request::Request;
    use super::*;
    use crate::protocol::Target;
    use crate::protocol::request::RequestId;

    fn request(fields: &[(&str, &str)]) -> Request {
        let host = [("Host", "a.example")];
        Request {
            method: Method::GET,
            target: Target::from_static("/"),
            fields: host.iter().chain(fields).copied().collect(),
            ..Request::unparsed()
        }
    }

    /// Why it is refused, if it is.
    fn reason(request: Request) -> Option<&'static str> {
        let mut received = Received::new(request, RequestId(0));
        inspect(&mut received, &Trust::default())
            .err()
            .map(|error| error.reason().as_str())
    }

    fn inspected(fields: &[(&str, &str)]) -> Result<(Inspected, Fields), &'static str> {
        let mut received = Received::new(request(fields), RequestId(0));
        inspect(&mut received, &Trust::default()).map_err(|error| error.reason().as_str())?;
        Ok((received.inspected, received.head.fields))
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
            let request = Request {
                version: Version::HTTP_2,
                ..request(&[("x-a", value)])
            };
            assert_eq!(reason(request), refused.then_some("bad_field"), "{value:?}");
        }
        assert!(
            inspected(&[("x-a", " a")]).is_ok(),
            "the parser has removed it in HTTP/1"
        );
    }

    #[test]
    fn the_whole_server_is_for_options() {
        for (method, refused) in [(Method::GET, true), (Method::OPTIONS, false)] {
            let request = Request {
                method,
                target: Target::from_static("*"),
                ..request(&[])
            };
            assert_eq!(reason(request), refused.then_some("bad_target"));
        }
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
        let (_, fields) = inspected(&[("expect", "100-Continue")]).unwrap();
        assert!(!fields.contains(FieldName::Expect));
    }

    #[test]
    fn trailers_are_for_clients_that_say_so() {
        for (version, te, taken) in [
            (Version::HTTP_11, &["trailers"][..], true),
            (Version::HTTP_11, &["gzip;q=0.5 , Trailers"], true),
            (Version::HTTP_11, &["gzip", "trailers"], true),
            (Version::HTTP_2, &["trailers"], true),
            (Version::HTTP_11, &["gzip, xtrailers"], false),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_10, &["trailers"], false),
        ] {
            let fields: Vec<_> = te.iter().map(|value| ("TE", *value)).collect();
            let request = Request {
                version,
                ..request(&fields)
            };
            let mut received = Received::new(request, RequestId(0));
            inspect(&mut received, &Trust::default()).unwrap();
            assert_eq!(received.head.trailers, taken, "{version:?} {te:?}");
            assert!(!received.head.fields.contains(FieldName::Te));
        }
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
        let (_, fields) = inspected(&[("upgrade", "websocket"), ("connection", "upgrade")]).unwrap();
        assert!(!fields.contains(FieldName::Upgrade));
    }
}
