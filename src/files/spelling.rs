//! A path as the client spells it, walked segment by segment beside its normal form.

use memchr::memrchr;

/// Where the part of an encoded path begins that lies below `prefix`, a normal path without a slash at its end: behind
/// the last step into it. `None`: the path does not lead there.
pub(super) fn below(encoded: &[u8], prefix: &[u8]) -> Option<usize> {
    let (mut normal, mut start) = (Vec::new(), None);
    for (segment, end) in segments(encoded) {
        step(&mut normal, &segment);
        let rest = normal.strip_prefix(prefix);
        start = match rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")) {
            true => start.or(Some(end)),
            false => None,
        };
    }
    start
}

/// Whether `within` has each directory that a `..` of an encoded path leaves, and each that it leads to. They come in
/// normal form without a slash at the end; the root is empty.
pub(super) fn stays(encoded: &[u8], mut within: impl FnMut(&[u8]) -> bool) -> bool {
    let mut normal = Vec::new();
    segments(encoded).all(|(segment, _)| {
        let climbs = segment == b"..";
        if climbs && !within(&normal) {
            return false;
        }
        step(&mut normal, &segment);
        !climbs || within(&normal)
    })
}

/// The segments, decoded, each with the place where it ends; an encoded slash ends one, too.
fn segments(encoded: &[u8]) -> impl Iterator<Item = (Vec<u8>, usize)> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let mut end = next.take()?;
        let mut segment = Vec::new();
        while let Some((byte, width)) = first(&encoded[end..]) {
            if byte == b'/' {
                next = Some(end + width);
                break;
            }
            segment.push(byte);
            end += width;
        }
        Some((segment, end))
    })
}

/// The first byte, decoded, and how many bytes it has in the encoded form.
fn first(encoded: &[u8]) -> Option<(u8, usize)> {
    match encoded {
        [] => None,
        [b'%', high, low, ..] => {
            let decoded = escape(Some(high), Some(low)).map(|byte| (byte, 3));
            Some(decoded.unwrap_or((b'%', 1)))
        }
        [byte, ..] => Some((*byte, 1)),
    }
}

/// The byte that two hexadecimal digits behind a percent sign stand for.
pub(super) fn escape(high: Option<&u8>, low: Option<&u8>) -> Option<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    Some((digit(high)? * 16 + digit(low)?) as u8)
}

/// Appends a segment to a normal path.
fn step(normal: &mut Vec<u8>, segment: &[u8]) {
    match segment {
        b"" | b"." => {}
        b".." => normal.truncate(memrchr(b'/', normal).unwrap_or(0)),
        name => {
            normal.push(b'/');
            normal.extend_from_slice(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_begins_behind_the_last_step_into_it() {
        for (path, prefix, rest) in [
            ("/a//b", "", "/a//b"),
            ("/app//b", "/app", "//b"),
            ("//./app/b", "/app", "/b"),
            ("/app/.", "/app", "/."),
            ("/%61pp/%2e%2E/app/c%2Fd", "/app", "/c%2Fd"),
            ("/app/x/../y", "/app", "/x/../y"),
            ("/x/../app/../app/y", "/app", "/y"),
            ("/app%2F/y", "/app", "%2F/y"),
            ("/a/b.php/../b.php//x", "/a/b.php", "//x"),
            ("/app", "/app", ""),
        ] {
            let start = below(path.as_bytes(), prefix.as_bytes());
            assert_eq!(start.map(|start| &path[start..]), Some(rest), "{path}");
        }
        assert_eq!(below(b"/app/../b", b"/app"), None);
        assert_eq!(below(b"/apple", b"/app"), None);
    }

    #[test]
    fn both_ends_of_every_climb_are_looked_at() {
        let cases: [(&str, &[&str]); 5] = [
            ("/a/b", &[]),
            ("/a/../b", &["/a", ""]),
            ("/a/b/../../c", &["/a/b", "/a", "/a", ""]),
            ("/a/%2e%2e%2fb/..", &["/a", "", "/b", ""]),
            ("//a/.././", &["/a", ""]),
        ];
        for (path, expected) in cases {
            let mut seen = Vec::new();
            let stays = stays(path.as_bytes(), |directory| {
                seen.push(String::from_utf8(directory.to_vec()).unwrap());
                true
            });
            assert!(stays && seen == expected, "{path}: {seen:?}");
        }
    }

    #[test]
    fn a_climb_ends_where_it_leaves() {
        let within = |directory: &[u8]| directory.starts_with(b"/app");
        for (path, expected) in [
            ("/app/a/../b", true),
            ("/app/..", false),
            ("/app/../app/b", false),
            ("/other/../app/b", false),
            ("/app/b", true),
            ("/b", true),
        ] {
            assert_eq!(stays(path.as_bytes(), within), expected, "{path}");
        }
    }
}
