//! Host and port of a request (RFC 9110, section 7.2; RFC 3986, section 3.2): one grammar for `Host`, targets in absolute
//! form, `:authority`, what trusted proxies say, and settings.

use std::net::Ipv6Addr;

use memchr::memchr;

/// A valid authority: `host[:port]` without user information, white space or path.
///
/// A host is an IPv6 address in brackets, or labels of letters, digits, `-` and `_` with dots between them; the root may
/// have its dot (RFC 1034, section 3.1). What RFC 3986 permits besides is not taken: programs do not agree about it.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    /// With the dot of the root, if it is there.
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// What `text` names; `None` when it is no authority.
    #[inline]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let end = match text {
            [b'[', ..] => memchr(b']', text)? + 1,
            _ => name_len(text),
        };
        let (host, rest) = text.split_at(end);
        let valid = match host {
            [b'[', ..] => address(host).is_some(),
            _ => !host.is_empty(),
        };
        let port = port(rest)?;
        valid.then_some(Self { host, port })
    }

    /// The host without the dot of the root, which belongs to no name. Brackets stay.
    pub fn host(&self) -> &'a [u8] {
        self.host.strip_suffix(b".").unwrap_or(self.host)
    }

    /// The port; an empty one is none.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether both name one host and one port (RFC 3986, section 6.2).
    pub fn is_same(&self, other: &Authority<'_>) -> bool {
        self.port == other.port && is_same_host(self.host(), other.host())
    }
}

/// The spelling of a host, without port, that all its spellings are compared by: lower case, and of an IPv6 address the
/// shortest form (RFC 5952).
pub fn canonical(host: &str) -> String {
    match address(host.as_bytes()) {
        Some(address) => format!("[{address}]"),
        None => host.to_ascii_lowercase(),
    }
}

fn is_same_host(one: &[u8], other: &[u8]) -> bool {
    let addresses = || address(one).is_some_and(|address| self::address(other) == Some(address));
    one.eq_ignore_ascii_case(other) || addresses()
}

/// The IPv6 address in brackets. A zone means nothing to another machine (RFC 6874).
fn address(host: &[u8]) -> Option<Ipv6Addr> {
    let literal = host.strip_prefix(b"[")?.strip_suffix(b"]")?;
    std::str::from_utf8(literal).ok()?.parse().ok()
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

/// What is a host and what is not.
#[cfg(test)]
pub(crate) mod samples {
    /// As it is written, its host, its port.
    pub(crate) const HOSTS: [(&str, &str, Option<u16>); 10] = [
        ("a.example", "a.example", None),
        ("A.example:8080", "A.example", Some(8080)),
        ("[::1]:80", "[::1]", Some(80)),
        ("[::1]", "[::1]", None),
        ("127.0.0.1:1", "127.0.0.1", Some(1)),
        ("under_score", "under_score", None),
        // No port, and the root's dot.
        ("a.example:", "a.example", None),
        ("a.example.", "a.example", None),
        ("a.example.:8080", "a.example", Some(8080)),
        ("[::1]:", "[::1]", None),
    ];

    /// Neither hosts nor authorities.
    pub(crate) const NO_HOSTS: [&str; 36] = [
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
        "..a.example",
        "a..b",
        "a..",
        "user:word@a",
        "@a",
        "a@",
        "[::1]x",
        "[::1]x:80",
        "[::1]evil.com:98",
        "[::1].:80",
        "[::1]80",
        "[::1]]",
        "[]",
        "[a]",
        "[::1%25eth0]",
        "[v1.a]",
        "\u{e9}",
        "a%2eb",
    ];
}

#[cfg(test)]
mod tests {
    use super::samples::{HOSTS, NO_HOSTS};
    use super::*;

    fn parse(text: &str) -> Option<(&str, Option<u16>)> {
        let authority = Authority::parse(text.as_bytes())?;
        let host = std::str::from_utf8(authority.host()).unwrap();
        Some((host, authority.port()))
    }

    #[test]
    fn a_host_has_a_port_or_none() {
        for (text, host, port) in HOSTS {
            assert_eq!(parse(text), Some((host, port)), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_an_authority() {
        for text in NO_HOSTS {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn spellings_of_one_host_are_one_host() {
        let is_same = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| Authority::parse(text.as_bytes()).unwrap());
            one.is_same(&other)
        };
        for (one, other) in [
            ("a.example", "A.Example."),
            ("a.example:", "a.example"),
            ("a.example:080", "a.example.:80"),
            ("[::1]", "[0:0:0:0:0:0:0:1]"),
            ("[2001:DB8::1]:80", "[2001:db8:0::1]:80"),
        ] {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("a.example", "b.example"),
            ("a.example", "a.example:80"),
            ("[::1]", "[::2]"),
            ("[::1]:80", "[::1]:81"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn the_canonical_spelling_is_the_shortest_in_lower_case() {
        for (host, spelling) in [
            ("A.Example", "a.example"),
            ("[2001:DB8:0:0::1]", "[2001:db8::1]"),
            ("[::FFFF:192.0.2.1]", "[::ffff:192.0.2.1]"),
            ("192.0.2.1", "192.0.2.1"),
            ("[x", "[x"),
        ] {
            assert_eq!(canonical(host), spelling);
        }
    }
}
