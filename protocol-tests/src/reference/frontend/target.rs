//! The target of a request (RFC 9112, section 3.2) and what applications are told about it.

use super::Fault;
use super::refusal::Refusal;
use crate::reference::Seeded;
use crate::reference::percent::decode_leniently;

/// A target that the application can be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Path and query as they came: REQUEST_URI.
    pub(super) uri: Vec<u8>,
    /// Decoded once, without dot segments.
    pub(super) path: Vec<u8>,
    /// As it came, without the question mark.
    pub(super) query: Option<Vec<u8>>,
    /// The host of the absolute form.
    pub(super) authority: Option<Vec<u8>>,
}

impl Target {
    /// Takes the origin form and the absolute form; the others belong to CONNECT and OPTIONS.
    pub(super) fn parse(text: &[u8], fault: Seeded<Fault>) -> Result<Self, Refusal> {
        let permitted = |byte: &u8| is_permitted(*byte, fault);
        if !text.iter().all(permitted) && !fault.is(Fault::ControlsPassed) {
            return Err(Refusal::bad("a target with a byte that no target has"));
        }
        let (authority, mut uri) = forms(text, fault)?;
        if fault.is(Fault::SlashesMerged) {
            uri.dedup_by(|one, other| *one == b'/' && *other == b'/');
        }
        let (path, mut query) = match uri.iter().position(|byte| *byte == b'?') {
            Some(mark) => (&uri[..mark], Some(uri[mark + 1..].to_vec())),
            None => (&uri[..], None),
        };
        let path = normal(path, fault)?;
        if fault.is(Fault::QueryDecoded) {
            query = query.map(|query| decode_leniently(&query));
        }
        let uri = match fault.is(Fault::SlashDecoded) {
            true => decode_leniently(&uri),
            false => uri,
        };
        let leaks = authority.is_some() && fault.is(Fault::AbsoluteTargetKept);
        Ok(Self {
            path,
            query,
            uri: if leaks { text.to_vec() } else { uri },
            authority,
        })
    }
}

/// No blank, no control and no fragment. What else no URI has, clients send all the same.
fn is_permitted(byte: u8, fault: Seeded<Fault>) -> bool {
    match byte {
        b' ' => fault.is(Fault::BlanksInTargets),
        b'#' => fault.is(Fault::FragmentsPassed),
        0..0x20 | 0x7f => false,
        b'"' | b'<' | b'>' | b'`' | b'{' | b'|' | b'}' | 0x80.. => !fault.is(Fault::OddSignsRefused),
        _ => true,
    }
}

/// The host of the absolute form, and path and query of either form.
fn forms(text: &[u8], fault: Seeded<Fault>) -> Result<(Option<Vec<u8>>, Vec<u8>), Refusal> {
    let Some(rest) = text.strip_prefix(b"http://") else {
        return match text.first() {
            Some(b'/') => Ok((None, text.to_vec())),
            _ => Err(Refusal::bad("a target that is no path")),
        };
    };
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    let (authority, rest) = rest.split_at(end.unwrap_or(rest.len()));
    // An absolute target may have no path.
    let slash: &[u8] = match rest.starts_with(b"/") || fault.is(Fault::NoSlashAdded) {
        true => b"",
        false => b"/",
    };
    Ok((Some(authority.to_vec()), [slash, rest].concat()))
}

/// The path that is meant: decoded once, without dot segments.
fn normal(path: &[u8], fault: Seeded<Fault>) -> Result<Vec<u8>, Refusal> {
    let mut path = decode(path, fault)?;
    if fault.is(Fault::PathDecodedTwice) {
        path = decode_leniently(&path);
    }
    if fault.is(Fault::PathRecoded) {
        let latin1 = path.iter().map(|byte| char::from(*byte));
        path = latin1.collect::<String>().into_bytes();
    }
    match fault.is(Fault::DotsKept) {
        true => Ok(path),
        false => without_dots(&path, fault),
    }
}

/// RFC 3986, section 2.1, once. NUL and slashes are refused: the application would see another path.
fn decode(text: &[u8], fault: Seeded<Fault>) -> Result<Vec<u8>, Refusal> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        if fault.is(Fault::PercentRepaired)
            && !rest
                .get(..2)
                .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
        {
            continue;
        }
        let Some((digits, after)) = rest.split_first_chunk::<2>() else {
            return Err(Refusal::bad("a percent sign without two digits"));
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (Some(high), Some(low)) = (digit(digits[0]), digit(digits[1])) else {
            return Err(Refusal::bad("a percent sign without two digits"));
        };
        match (high * 16 + low) as u8 {
            0 if !fault.is(Fault::NulDecoded) => return Err(Refusal::bad("an encoded NUL")),
            b'/' if !fault.is(Fault::SlashDecoded) => return Err(Refusal::bad("an encoded slash")),
            byte => decoded.push(byte),
        }
        rest = after;
    }
    Ok(decoded)
}

/// RFC 3986, section 5.2.4; a way out of the root is refused.
fn without_dots(path: &[u8], fault: Seeded<Fault>) -> Result<Vec<u8>, Refusal> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = path.split(|byte| *byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." => {}
            b".." if kept.pop().is_none() => {
                if !fault.is(Fault::DotsLeadOut) {
                    return Err(Refusal::bad("a path that leads out of the root"));
                }
                kept.push(b"..");
                continue;
            }
            b".." => {}
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            kept.push(b"");
        }
    }
    let pieces = kept.iter().map(|segment| [b"/", *segment].concat());
    Ok(pieces.collect::<Vec<_>>().concat())
}

/// RFC 9110, section 7.2: a host and perhaps a port, without user and path.
pub(super) fn is_host(text: &[u8], fault: Seeded<Fault>) -> bool {
    let (host, port) = match text.strip_prefix(b"[") {
        Some(rest) => match rest.iter().position(|byte| *byte == b']') {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => return false,
        },
        None => text.split_at(text.iter().position(|byte| *byte == b':').unwrap_or(text.len())),
    };
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=%".contains(byte);
    let in_literal = |byte: &u8| byte.is_ascii_hexdigit() || b":.".contains(byte);
    let host_is_good = match text.starts_with(b"[") {
        true => host.iter().all(in_literal),
        false => host.iter().all(in_name),
    };
    let port_is_good = match port.strip_prefix(b":") {
        Some(digits) => digits.iter().all(u8::is_ascii_digit),
        None => port.is_empty(),
    };
    let rooted = host.ends_with(b".") && fault.is(Fault::RootDotRefused);
    let known = has_labels(host) && is_port(port) || fault.is(Fault::EmptyLabelsTaken);
    host_is_good && port_is_good && known && !rooted && !host.is_empty()
}

/// The root may have its dot; no other label is empty.
fn has_labels(host: &[u8]) -> bool {
    let labels = host.strip_suffix(b".").unwrap_or(host);
    labels.split(|byte| *byte == b'.').all(|label| !label.is_empty())
}

/// A colon and nothing, or a number that a port can have.
fn is_port(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b":").unwrap_or_default();
    let number = std::str::from_utf8(digits).map(str::parse::<u16>);
    digits.is_empty() || matches!(number, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Option<String> {
        let target = Target::parse(text.as_bytes(), Seeded::NONE).ok()?;
        Some(String::from_utf8_lossy(&target.path).into_owned())
    }

    #[test]
    fn paths_are_decoded_once_and_have_no_dots() {
        assert_eq!(path("/a%20b%2541?x").as_deref(), Some("/a b%41"));
        assert_eq!(path("/a/./b/../c").as_deref(), Some("/a/c"));
        assert_eq!(path("/a/..").as_deref(), Some("/"));
        assert_eq!(path("//a/").as_deref(), Some("//a/"));
        for bad in ["/..", "/%2e%2e", "/a%00", "/a%2fb", "/%4", "*", "x", "/a\tb"] {
            assert_eq!(path(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_absolute_target_has_a_host_and_a_path() {
        let target = Target::parse(b"http://a.example?q", Seeded::NONE).expect("it is one");
        assert_eq!(target.authority.as_deref(), Some(&b"a.example"[..]));
        assert_eq!(
            (target.uri.as_slice(), target.path.as_slice()),
            (&b"/?q"[..], &b"/"[..])
        );
    }

    #[test]
    fn hosts_have_neither_user_nor_path() {
        let is_host = |text: &str| is_host(text.as_bytes(), Seeded::NONE);
        for good in [
            "a.example",
            "a:80",
            "[::1]:8080",
            "127.0.0.1",
            "a.example.",
            "a:",
            "[::1]:",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "a b",
            "u@a",
            "a/x",
            "a:port",
            "a,b",
            "[::1",
            ":80",
            "a#x",
            "a?x",
            "a..b",
            ".a",
            ".",
            "[::1]x:80",
            "[::1]80",
            "a:99999",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
