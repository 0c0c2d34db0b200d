//! The path of a target in normal form: decoded once, without `.`, `..` and empty segments.
//!
//! The front end has refused what has no normal form; a path that comes here all the same is taken as far as it makes
//! sense. Two spellings of one path are one key.

use std::borrow::Cow;

/// The normal form of an encoded path.
pub(super) fn normal(path: &[u8]) -> Cow<'_, [u8]> {
    if is_normal(path) {
        return Cow::Borrowed(path);
    }
    let decoded = decode(path);
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut directory = true;
    for segment in decoded.split(|byte| *byte == b'/') {
        directory = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    let mut normal = [&b"/"[..], &kept.join(&b'/')].concat();
    if directory && !kept.is_empty() {
        normal.push(b'/');
    }
    Cow::Owned(normal)
}

fn is_normal(path: &[u8]) -> bool {
    let odd = |pair: &[u8]| pair[0] == b'/' && matches!(pair[1], b'/' | b'.');
    path.first() == Some(&b'/') && !path.contains(&b'%') && !path.windows(2).any(odd)
}

fn decode(path: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, tail)) = rest.split_first() {
        match (first, digit(tail.first()), digit(tail.get(1))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::DecodedPath;

    #[test]
    fn the_normal_form_is_that_of_the_front_end() {
        for path in [
            "/",
            "/a/b",
            "/a//b/",
            "/a/./b/../c",
            "/a/..",
            "/a%20b/%2e%2e/c",
            "/a/..%2Fb",
            "/%C3%BC",
            "//",
            "/a/.",
            "/.well-known/x",
        ] {
            let theirs = DecodedPath::parse(path.as_bytes()).unwrap();
            assert_eq!(normal(path.as_bytes()), theirs.as_bytes(), "{path}");
        }
    }

    #[test]
    fn what_has_no_normal_form_does_no_harm() {
        for (path, normal_form) in [
            ("*", "/*"),
            ("/%", "/%"),
            ("/%zz/..", "/"),
            ("/../..", "/"),
            ("", "/"),
        ] {
            assert_eq!(normal(path.as_bytes()), normal_form.as_bytes(), "{path}");
        }
    }
}
