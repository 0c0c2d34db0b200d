//! The four forms of a request's target (RFC 9112, section 3.2).

use bytes::Bytes;
use http::Method;

use crate::protocol::target::{Target, TargetError};

/// Authority, where the form has one, and the target in origin form, or `*`.
///
/// `*` is for OPTIONS alone, the bare authority for CONNECT alone.
pub(super) fn split(method: &Method, text: Bytes) -> Result<(Option<Bytes>, Target), TargetError> {
    if *method == Method::CONNECT {
        return Ok((Some(text), Target::from_static("/")));
    }
    match text.first() {
        Some(b'/') => Ok((None, Target::from_bytes(text)?)),
        Some(b'*') if *method == Method::OPTIONS => Ok((None, Target::from_bytes(text)?)),
        _ => absolute(&text),
    }
}

/// `http://authority/path?query`, as proxies get it.
fn absolute(text: &Bytes) -> Result<(Option<Bytes>, Target), TargetError> {
    let schemes: [&[u8]; 2] = [b"http://", b"https://"];
    let start = schemes
        .iter()
        .map(|scheme| scheme.len())
        .zip(schemes)
        .find(|(length, scheme)| {
            text.get(..*length)
                .is_some_and(|found| found.eq_ignore_ascii_case(scheme))
        })
        .map(|(length, _)| length)
        .ok_or(TargetError::Form)?;
    let is_end = |byte: &u8| matches!(byte, b'/' | b'?' | b'#');
    let end = text[start..]
        .iter()
        .position(is_end)
        .map_or(text.len(), |at| start + at);
    let target = match text.get(end) {
        Some(b'/') => Target::from_bytes(text.slice(end..))?,
        None => Target::from_static("/"),
        Some(_) => Target::from_bytes([b"/", &text[end..]].concat().into())?,
    };
    Ok((Some(text.slice(start..end)), target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: Method, text: &'static str) -> Option<(Option<String>, String)> {
        let (authority, target) = split(&method, Bytes::from_static(text.as_bytes())).ok()?;
        let authority = authority.map(|authority| String::from_utf8(authority.to_vec()).unwrap());
        Some((authority, target.to_string()))
    }

    #[test]
    fn each_form_is_split_into_authority_and_target() {
        let with = |authority: &str, target: &str| Some((Some(authority.to_owned()), target.to_owned()));
        for (text, expected) in [
            ("/a?b", Some((None, "/a?b".to_owned()))),
            ("http://a.example", with("a.example", "/")),
            ("HTTP://a.example:80/b?c", with("a.example:80", "/b?c")),
            ("https://a.example?c", with("a.example", "/?c")),
            ("http:///b", with("", "/b")),
            ("http://a/#b", None),
            ("http://a#b", None),
            ("ftp://a/", None),
            ("a.example", None),
            ("a.example:80", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(parts(Method::GET, text), expected, "{text:?}");
        }
        assert_eq!(parts(Method::OPTIONS, "*"), Some((None, "*".to_owned())));
        assert_eq!(parts(Method::CONNECT, "a:443"), with("a:443", "/"));
    }
}
