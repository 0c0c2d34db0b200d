//! URL paths: decoded once, normalised once, and only then looked at.
//!
//! Both happen before routing, on bytes, so that the router, the file lookup and the application see the same
//! path. What no path of ours may contain is refused here; what is harmless to an application but not to a file
//! lookup (an encoded slash, a backslash, a hidden segment) is refused in the part that a [`RelPath`] is made of.

use std::fmt;

use bytes::Bytes;
use memchr::{memchr, memrchr};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::spelling::{self, escape};

/// What RFC 3986 lets stand in a path segment (`pchar`), and the slash; everything else is encoded.
const NOT_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// The one hidden name that is meant to be seen (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path starts without a slash: not in origin form.
    #[error("path without a leading slash")]
    NotAbsolute,
    /// A percent sign without two hexadecimal digits behind it.
    #[error("malformed percent escape in the path")]
    BadEscape,
    /// A NUL byte: C programs, PHP among them, would cut the path there.
    #[error("NUL byte in the path")]
    Nul,
    /// A control character. CVE-2019-11043 began with a line feed.
    #[error("control character in the path")]
    Control,
    /// A backslash in a path to a file.
    #[error("backslash in the path")]
    Backslash,
    /// `%2F` in a path to a file: the lookup and the application would disagree about its segments.
    #[error("encoded slash in the path")]
    EncodedSlash,
    /// More `..` than there are segments to leave.
    #[error("path climbs above the root")]
    Traversal,
    /// A segment that starts with a dot, in a path to a file.
    #[error("hidden file")]
    Hidden,
}

/// A URL path, percent-decoded once, without `.`, `..` and empty segments, starting with a slash.
///
/// Encoded slashes were decoded before segments were looked at, as nginx does: `/a/..%2Fb` is `/b` for every
/// rule. A final slash is kept, and a final `.` or `..` leaves one.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodedPath {
    bytes: Bytes,
    altered: bool,
    /// Where the first slash stands that was encoded.
    encoded_slash: Option<usize>,
    /// Where the first backslash stands.
    backslash: Option<usize>,
}

/// A path to a file below a root: no empty, `.`, `..` or hidden segment, no leading and no final slash.
#[derive(Clone, PartialEq, Eq)]
pub struct RelPath {
    bytes: Bytes,
    directory: bool,
}

impl DecodedPath {
    /// Decodes and normalises the path of a request target in origin form, without its query.
    pub fn parse(encoded: &[u8]) -> Result<Self, PathError> {
        Self::of(&Bytes::copy_from_slice(encoded))
    }

    /// The same, without a copy of a path that is in normal form already.
    pub fn of(encoded: &Bytes) -> Result<Self, PathError> {
        if encoded.first() != Some(&b'/') {
            return Err(PathError::NotAbsolute);
        }
        if is_plain(encoded) {
            return Ok(Self {
                bytes: encoded.clone(),
                altered: false,
                encoded_slash: None,
                backslash: None,
            });
        }
        let (decoded, encoded_slash) = decode(encoded)?;
        let (normal, encoded_slash) = normalise(&decoded, encoded_slash)?;
        Ok(Self {
            altered: normal != decoded,
            backslash: memchr(b'\\', &normal),
            encoded_slash,
            bytes: normal.into(),
        })
    }

    /// A path that is decoded already, such as one that a template came to.
    pub fn from_decoded(path: &[u8]) -> Result<Self, PathError> {
        match path.iter().find(|byte| byte.is_ascii_control()) {
            _ if path.first() != Some(&b'/') => return Err(PathError::NotAbsolute),
            Some(0) => return Err(PathError::Nul),
            Some(_) => return Err(PathError::Control),
            None => {}
        }
        let (normal, _) = normalise(path, None)?;
        Ok(Self {
            altered: normal != path,
            backslash: memchr(b'\\', &normal),
            encoded_slash: None,
            bytes: normal.into(),
        })
    }

    /// The path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The path, shared.
    pub fn to_bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Whether segments were taken out: the client's spelling was not the normal one.
    pub fn is_altered(&self) -> bool {
        self.altered
    }

    /// Whether the path ends with a slash.
    pub fn is_directory(&self) -> bool {
        self.bytes.ends_with(b"/")
    }

    /// Whether the path up to `end` can name a file: it has no encoded slash, is not ended by one, and has no backslash.
    /// What lies behind it may have both.
    pub fn check_file(&self, end: usize) -> Result<(), PathError> {
        if self.encoded_slash.is_some_and(|at| at <= end) {
            return Err(PathError::EncodedSlash);
        }
        if self.backslash.is_some_and(|at| at < end) {
            return Err(PathError::Backslash);
        }
        Ok(())
    }

    /// Where the part after `prefix` starts; the prefix must end at a segment boundary. A prefix is a route's
    /// path or a mount point, with or without a final slash.
    pub fn split_at_prefix(&self, prefix: &str) -> Option<usize> {
        split_at_prefix(&self.bytes, prefix)
    }

    /// Whether `within` has each directory that a `..` of the client's spelling leaves, and each that it leads to;
    /// `encoded` is what was given to [`DecodedPath::parse`]. Directories come without a slash at the end; the root is
    /// empty.
    pub fn climbs_within(&self, encoded: &[u8], within: impl FnMut(&[u8]) -> bool) -> bool {
        !self.altered || spelling::stays(encoded, within)
    }

    /// The part of the path from `start` to `end` as a path to a file.
    pub fn relative(&self, start: usize, end: usize) -> Result<RelPath, PathError> {
        self.check_file(end)?;
        RelPath::new(self.bytes.slice(start..end))
    }

    /// The part from `at` on as the client sent it, byte for byte; `at` is the end of a segment, `encoded` what was given
    /// to [`DecodedPath::parse`].
    pub fn encoded_tail(&self, encoded: &[u8], at: usize) -> Bytes {
        if at == self.bytes.len() {
            return Bytes::new();
        }
        if self.altered {
            let start = spelling::below(encoded, &self.bytes[..at]).unwrap_or(0);
            return Bytes::copy_from_slice(&encoded[start..]);
        }
        // Nothing was encoded.
        if self.bytes.len() == encoded.len() {
            return self.bytes.slice(at..);
        }
        let mut rest = encoded;
        for _ in 0..at {
            let width = if rest.first() == Some(&b'%') { 3 } else { 1 };
            rest = rest.get(width..).unwrap_or_default();
        }
        Bytes::copy_from_slice(rest)
    }

    /// The part from `at` on in normal form, encoded again if the client's spelling is another one.
    pub fn normal_tail(&self, encoded: &[u8], at: usize) -> Bytes {
        match self.altered {
            true => encode(&self.bytes[at..]).into(),
            false => self.encoded_tail(encoded, at),
        }
    }

    /// Value of a `Location` field that leads to the same path with a slash at its end.
    ///
    /// Built from the normal form: it never starts with two slashes, which a browser would take for a host.
    pub fn location_with_slash(&self, query: Option<&[u8]>) -> Vec<u8> {
        let mut location = encode(&self.bytes).into_bytes();
        location.push(b'/');
        if let Some(query) = query {
            location.push(b'?');
            location.extend_from_slice(query);
        }
        location
    }
}

impl RelPath {
    /// `path` is a piece of a normal path, with or without the slashes around it.
    fn new(path: Bytes) -> Result<Self, PathError> {
        let directory = path.is_empty() || path.ends_with(b"/");
        let start = usize::from(path.starts_with(b"/"));
        let end = path.len() - usize::from(path.ends_with(b"/"));
        let bytes = path.slice(start.min(end)..end);
        let hidden = |segment: &[u8]| segment.starts_with(b".") && segment != WELL_KNOWN;
        if bytes.split(|byte| *byte == b'/').any(hidden) {
            return Err(PathError::Hidden);
        }
        Ok(Self { bytes, directory })
    }

    /// The path; empty for the root itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, shared.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether the URL named a directory: it ended with a slash.
    pub fn is_directory(&self) -> bool {
        self.directory
    }

    /// The last segment; empty for the root itself.
    pub fn name(&self) -> &[u8] {
        self.bytes.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    /// Segments from the root down.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes
            .split(|byte| *byte == b'/')
            .filter(|segment| !segment.is_empty())
    }

    /// The file beside this one whose name has `suffix` behind it.
    pub(super) fn with_suffix(&self, suffix: &str) -> Self {
        Self {
            bytes: [&self.bytes, suffix.as_bytes()].concat().into(),
            directory: false,
        }
    }

    /// The file `name` in this directory. The name comes from the configuration, or from the directory.
    pub fn join(&self, name: impl AsRef<[u8]>) -> Self {
        let slash: &[u8] = if self.bytes.is_empty() { b"" } else { b"/" };
        Self {
            bytes: [&self.bytes, slash, name.as_ref()].concat().into(),
            directory: false,
        }
    }
}

impl fmt::Debug for DecodedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes.escape_ascii())
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes.escape_ascii())
    }
}

/// Where the part of a normal path begins that follows `prefix`; see [`DecodedPath::split_at_prefix`].
pub fn split_at_prefix(path: &[u8], prefix: &str) -> Option<usize> {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix).as_bytes();
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(prefix.len())
}

/// Whether nothing is to decode, to normalise or to refuse: the common case, one pass without a copy, over eight bytes
/// at a time.
fn is_plain(path: &[u8]) -> bool {
    let (words, rest) = path.as_chunks();
    let mut last = [b'a'; WORD];
    last[..rest.len()].copy_from_slice(rest);
    let mut behind_slash = 0;
    let words = words.iter().chain(std::iter::once(&last));
    words.fold(0, |found, word| {
        let word = u64::from_le_bytes(*word);
        let (slash, dot) = (marks(word, b'/'), marks(word, b'.'));
        let behind = slash << 8 | behind_slash;
        behind_slash = slash >> (8 * (WORD - 1));
        found | (slash | dot) & behind | refused(word)
    }) == 0
}

/// The highest bit of each byte that begins an escape, is a backslash or a control character.
fn refused(word: u64) -> u64 {
    let printable = (word & !HIGH) + each(0x80 - b' ');
    marks(word, b'%') | marks(word, b'\\') | marks(word, 0x7f) | !(printable | word) & HIGH
}

/// The highest bit of each byte that is `byte`, of ASCII.
fn marks(word: u64, byte: u8) -> u64 {
    !((((word & !HIGH) ^ each(byte)) + !HIGH) | word) & HIGH
}

/// A byte at all eight places.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
}

/// The highest bit of each place.
const HIGH: u64 = each(0x80);

const WORD: usize = 8;

/// The bytes behind the escapes, and where the first of them stands that was a slash.
fn decode(path: &[u8]) -> Result<(Vec<u8>, Option<usize>), PathError> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut encoded_slash = None;
    let mut rest = path.iter();
    while let Some(&byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let byte = escape(rest.next(), rest.next()).ok_or(PathError::BadEscape)?;
                if byte == b'/' {
                    encoded_slash.get_or_insert(decoded.len());
                }
                byte
            }
            plain => plain,
        };
        match byte {
            0 => return Err(PathError::Nul),
            byte if byte.is_ascii_control() => return Err(PathError::Control),
            byte => decoded.push(byte),
        }
    }
    Ok((decoded, encoded_slash))
}

/// RFC 3986 section 5.2.4, but climbing above the root is an error and empty segments are dropped first.
///
/// `slash` is the place of the first encoded slash, before and after: where it went together with its segment, the place
/// of what it may have taken along.
fn normalise(path: &[u8], slash: Option<usize>) -> Result<(Vec<u8>, Option<usize>), PathError> {
    let mut normal = Vec::with_capacity(path.len());
    let mut directory = true;
    let (mut at, mut kept) = (0, None);
    for segment in path.split(|byte| *byte == b'/') {
        directory = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                let parent = memrchr(b'/', &normal).ok_or(PathError::Traversal)?;
                normal.truncate(parent);
                kept = kept.map(|kept: usize| kept.min(parent));
            }
            name => {
                normal.push(b'/');
                normal.extend_from_slice(name);
            }
        }
        at += segment.len();
        if slash == Some(at) {
            kept = Some(normal.len());
        }
        at += 1;
    }
    if directory {
        normal.push(b'/');
    }
    Ok((normal, kept))
}

/// The path as it stands in a URL.
pub(super) fn encode(path: &[u8]) -> String {
    percent_encode(path, NOT_PATH).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(path: &str) -> Result<DecodedPath, PathError> {
        DecodedPath::parse(path.as_bytes())
    }

    fn relative(path: &str) -> Result<RelPath, PathError> {
        let path = parse(path)?;
        path.relative(0, path.as_bytes().len())
    }

    #[test]
    fn paths_are_decoded_once_and_normalised() {
        let cases: &[(&str, &[u8])] = &[
            ("/", b"/"),
            ("/a/b.php", b"/a/b.php"),
            ("/a//b///c", b"/a/b/c"),
            ("//evil.example/", b"/evil.example/"),
            ("/a/./b/.", b"/a/b/"),
            ("/a/b/..", b"/a/"),
            ("/a/../b", b"/b"),
            ("/a/b/../../", b"/"),
            ("/%61%2e%2E/b", b"/a../b"),
            ("/a/%2e%2e/b", b"/b"),
            ("/a%2F..%2fb", b"/b"),
            ("/%252e%252e/x", b"/%2e%2e/x"),
            ("/...", b"/..."),
            ("/a/..b", b"/a/..b"),
            ("/%C4%B0", "/\u{130}".as_bytes()),
            ("/a%3Fb%23", b"/a?b#"),
            ("/x;v=1", b"/x;v=1"),
        ];
        for (sent, expected) in cases {
            let path = parse(sent).unwrap();
            assert_eq!(
                path.as_bytes().escape_ascii().to_string(),
                expected.escape_ascii().to_string(),
                "{sent}"
            );
        }
    }

    #[test]
    fn a_path_is_plain_when_each_of_its_bytes_is() {
        let refused = |byte: &u8| matches!(byte, b'%' | b'\\' | ..b' ' | 0x7f);
        let pairs = |path: &[u8]| path.windows(2).any(|pair| matches!(pair, b"//" | b"/."));
        let places = (1..=2 * WORD + 1).flat_map(|size| (0..size).map(move |at| (size, at)));
        for (size, at) in places {
            for (byte, before) in (0..=u8::MAX).flat_map(|byte| [(byte, b'x'), (byte, b'/')]) {
                let mut path = vec![b'x'; size];
                path[at.saturating_sub(1)] = before;
                path[at] = byte;
                let plain = !pairs(&path) && !path.iter().any(refused);
                assert_eq!(is_plain(&path), plain, "{}", path.escape_ascii());
            }
        }
    }

    #[test]
    fn each_bad_path_has_its_own_error() {
        for (sent, error) in [
            ("", PathError::NotAbsolute),
            ("*", PathError::NotAbsolute),
            ("a/b", PathError::NotAbsolute),
            ("/%", PathError::BadEscape),
            ("/%4", PathError::BadEscape),
            ("/%4g", PathError::BadEscape),
            ("/%+1", PathError::BadEscape),
            ("/%%41", PathError::BadEscape),
            ("/evil.jpg%00.php", PathError::Nul),
            ("/a.php%0a", PathError::Control),
            ("/a.php%0D/x", PathError::Control),
            ("/a\u{1}", PathError::Control),
            ("/%7f", PathError::Control),
            ("/..", PathError::Traversal),
            ("/../etc/passwd", PathError::Traversal),
            ("/a/../../etc/passwd", PathError::Traversal),
            ("/%2e%2e/etc/passwd", PathError::Traversal),
            ("/..%2fetc/passwd", PathError::Traversal),
        ] {
            assert_eq!(parse(sent), Err(error), "{sent}");
        }
    }

    #[test]
    fn a_file_path_is_stricter_than_a_url_path() {
        for (sent, error) in [
            ("/a%2Fb", PathError::EncodedSlash),
            ("/a%5Cb", PathError::Backslash),
            ("/a\\b", PathError::Backslash),
            ("/.env", PathError::Hidden),
            ("/.git/config", PathError::Hidden),
            ("/a/%2ehtaccess", PathError::Hidden),
            ("/...", PathError::Hidden),
            ("/.well-known-not", PathError::Hidden),
        ] {
            assert!(parse(sent).is_ok(), "{sent}");
            assert_eq!(relative(sent), Err(error), "{sent}");
        }
    }

    #[test]
    fn what_lies_behind_a_file_may_have_any_slash() {
        for (sent, end, expected) in [
            ("/a.php/b%2Fc", 6, Ok(())),
            ("/a.php/b%2Fc", 8, Err(PathError::EncodedSlash)),
            ("/a.php/b%5Cc", 6, Ok(())),
            ("/a.php/b\\c", 8, Ok(())),
            ("/a.php/b\\c", 9, Err(PathError::Backslash)),
            // The slash that ends the name decides where the name ends.
            ("/a.php%2Fb", 6, Err(PathError::EncodedSlash)),
            ("/a%2Fb.php/c", 8, Err(PathError::EncodedSlash)),
            ("/x%2Fy/../a.php/b", 8, Err(PathError::EncodedSlash)),
            // Of a path that is not normal, the slash moves with its segment.
            ("//x/.././a.php//b%2f/c", 6, Ok(())),
            ("/a.php/./%2Fb", 6, Err(PathError::EncodedSlash)),
            ("/a.php/x/%2Fb", 6, Ok(())),
            ("/a.php/x%2F..", 6, Err(PathError::EncodedSlash)),
            ("/a.php/x/y%2F../z", 6, Ok(())),
            ("/a.php/x%2Fy/../../..", 1, Err(PathError::EncodedSlash)),
        ] {
            assert_eq!(parse(sent).unwrap().check_file(end), expected, "{sent}");
        }
    }

    #[test]
    fn a_file_path_has_no_slashes_around_it() {
        for (sent, expected, directory) in [
            ("/", "", true),
            ("/a", "a", false),
            ("/a/b/", "a/b", true),
            (
                "/.well-known/acme-challenge/x",
                ".well-known/acme-challenge/x",
                false,
            ),
        ] {
            let path = relative(sent).unwrap();
            assert_eq!(
                (path.as_bytes(), path.is_directory()),
                (expected.as_bytes(), directory)
            );
        }
        assert_eq!(
            relative("/").unwrap().join("index.html").as_bytes(),
            b"index.html"
        );
        assert_eq!(
            relative("/a/").unwrap().join("index.html").as_bytes(),
            b"a/index.html"
        );
        assert_eq!(relative("/a/b.css").unwrap().name(), b"b.css");
        assert_eq!(relative("/").unwrap().segments().count(), 0);
    }

    #[test]
    fn a_prefix_ends_at_a_segment() {
        let path = parse("/static/app.css").unwrap();
        assert_eq!(path.split_at_prefix("/static"), Some(7));
        assert_eq!(path.split_at_prefix("/static/"), Some(7));
        assert_eq!(path.split_at_prefix("/"), Some(0));
        assert_eq!(path.split_at_prefix(""), Some(0));
        assert_eq!(path.split_at_prefix("/stat"), None);
        assert_eq!(path.split_at_prefix("/other"), None);
        let below = path.relative(7, path.as_bytes().len()).unwrap();
        assert_eq!(below.as_bytes(), b"app.css");
        let mount = parse("/static").unwrap();
        let root = mount
            .relative(mount.split_at_prefix("/static").unwrap(), 7)
            .unwrap();
        assert_eq!(root.as_bytes(), b"");
    }

    #[test]
    fn altered_means_that_segments_were_taken_out() {
        assert!(!parse("/a%20b/%2e%2ex").unwrap().is_altered());
        assert!(parse("/a//b").unwrap().is_altered());
        assert!(parse("/a/.").unwrap().is_altered());
    }

    #[test]
    fn the_encoded_tail_is_what_the_client_sent() {
        let tail = |sent: &str, at: usize| {
            let tail = parse(sent).unwrap().encoded_tail(sent.as_bytes(), at);
            String::from_utf8(tail.to_vec()).unwrap()
        };
        assert_eq!(tail("/app/x%2Fy%20z", 4), "/x%2Fy%20z");
        assert_eq!(tail("/%61pp/x", 4), "/x");
        assert_eq!(tail("/app", 4), "");
        assert_eq!(tail("/app//x%20y", 4), "//x%20y");
        assert_eq!(tail("/./app/%c3%bc", 4), "/%c3%bc");
        assert_eq!(tail("/a/../%61pp/x/./y", 4), "/x/./y");
        assert_eq!(tail("//x%20y/..", 0), "//x%20y/..");
    }

    #[test]
    fn the_normal_tail_is_encoded_again_where_it_is_another() {
        let tail = |sent: &str, at: usize| {
            let tail = parse(sent).unwrap().normal_tail(sent.as_bytes(), at);
            String::from_utf8(tail.to_vec()).unwrap()
        };
        assert_eq!(tail("/app/x%2fy%20z", 4), "/x%2fy%20z");
        assert_eq!(tail("/app//x%20y", 4), "/x%20y");
        assert_eq!(tail("/./app/%c3%bc", 4), "/%C3%BC");
        assert_eq!(tail("//a", 2), "");
    }

    #[test]
    fn a_redirect_can_never_leave_the_host() {
        let location = |sent: &str, query: Option<&str>| {
            let location = parse(sent).unwrap().location_with_slash(query.map(str::as_bytes));
            String::from_utf8(location).unwrap()
        };
        assert_eq!(location("/docs", None), "/docs/");
        assert_eq!(location("/docs", Some("a=b&c")), "/docs/?a=b&c");
        assert_eq!(location("//evil.example/docs", None), "/evil.example/docs/");
        assert_eq!(
            location("/a%20%3f%0041".replace("%00", "%25").as_str(), None),
            "/a%20%3F%2541/"
        );
        assert_eq!(location("/%5cevil.example", None), "/%5Cevil.example/");
        assert_eq!(location("/\u{fc}", None), "/%C3%BC/");
    }

    proptest! {
        #[test]
        fn normal_paths_stay_as_they_are(path in "/[a-z./%2eF\\\\]{0,24}") {
            if let Ok(once) = parse(&path) {
                let encoded = encode(once.as_bytes());
                let twice = parse(&encoded).unwrap();
                prop_assert_eq!(once.as_bytes(), twice.as_bytes());
                prop_assert!(!twice.is_altered());
            }
        }

        #[test]
        fn a_tail_has_the_normal_form_of_what_it_is_the_tail_of(path in "/[ab./%2eF]{0,24}") {
            let Ok(whole) = parse(&path) else { return Ok(()) };
            let ends = whole.as_bytes().iter().enumerate().filter(|(_, byte)| **byte == b'/');
            for (at, _) in ends {
                let tail = whole.encoded_tail(path.as_bytes(), at);
                prop_assert!(path.as_bytes().ends_with(&tail));
                let tail = [&b"/"[..], &tail[..]].concat();
                let again = DecodedPath::parse(&tail).unwrap();
                prop_assert_eq!(again.as_bytes(), &whole.as_bytes()[at..]);
            }
        }

        #[test]
        fn no_file_path_can_climb_or_hide(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            let path = [b"/".as_slice(), &bytes].concat();
            let Ok(decoded) = DecodedPath::parse(&path) else { return Ok(()) };
            prop_assert!(decoded.as_bytes().starts_with(b"/") && !decoded.as_bytes().starts_with(b"//"));
            let Ok(relative) = decoded.relative(0, decoded.as_bytes().len()) else { return Ok(()) };
            for segment in relative.segments() {
                prop_assert!(!segment.starts_with(b".") || segment == WELL_KNOWN);
                prop_assert!(!segment.contains(&0) && !segment.contains(&b'\\'));
            }
        }
    }
}
