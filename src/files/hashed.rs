//! Names that change with the contents of their files, because a tool puts a digest of those into them.
//!
//! `app.3f2a1c.js` (webpack, Django, Rails), `index-BxKd3_9a.js` (Vite), `main.8e0d62a0.chunk.css`; or a query with the
//! digest or the version, `style.css?v=12` (Nextcloud, WordPress), `app.js?id=3f2a1c` (Laravel).

/// Hexadecimal digits of a digest, at least.
const HEX: usize = 6;

/// Digits to the base 64 of a digest, at least.
const BASE64: usize = 8;

/// Names of variables of a query that hold a version.
const VERSIONS: [&[u8]; 4] = [b"v", b"ver", b"id", b"hash"];

/// Whether a name, or the query behind it, changes with the contents.
pub(super) fn is_hashed(name: &[u8], query: Option<&[u8]>) -> bool {
    query.is_some_and(has_version) || has_digest(name)
}

fn has_version(query: &[u8]) -> bool {
    let mut variables = query.split(|byte| *byte == b'&');
    variables.any(|variable| {
        let end = memchr::memchr(b'=', variable).unwrap_or(variable.len());
        VERSIONS.contains(&&variable[..end]) && end + 1 < variable.len()
    })
}

/// Whether a piece of the name, neither its first nor its ending, is a digest.
fn has_digest(name: &[u8]) -> bool {
    let Some(dot) = memchr::memrchr(b'.', name) else {
        return false;
    };
    let stem = &name[..dot];
    let mut pieces = stem.split(|byte| *byte == b'.').skip(1);
    let after_hyphen = |byte: u8| {
        stem.iter()
            .position(|other| *other == byte)
            .map(|at| &stem[at + 1..])
    };
    pieces.any(is_digest)
        || after_hyphen(b'-').is_some_and(is_last_digest)
        || after_hyphen(b'_').is_some_and(is_last_digest)
}

/// Whether the end of a text, behind a hyphen or from its start on, is a digest; that may have hyphens itself.
fn is_last_digest(text: &[u8]) -> bool {
    let mut starts = (0..text.len()).filter(|at| *at == 0 || matches!(text[at - 1], b'-' | b'_'));
    starts.any(|start| is_digest(&text[start..]))
}

/// Digits alone are a date or a number, letters alone are a word.
fn is_digest(piece: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| piece.iter().any(is);
    let is_hex = piece.len() >= HEX
        && piece.iter().all(u8::is_ascii_hexdigit)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic);
    let is_base64 = piece.len() >= BASE64
        && piece
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase);
    is_hex || is_base64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_usual_tools_have_a_digest() {
        for name in [
            "app.3f2a1c.js",
            "base.27e20196a850.css",
            "main.8e0d62a0.chunk.css",
            "application-908e25f4bf641868d8683022a5b62f54.js",
            "index-BxKd3_9a.js",
            "vendor-C-4kdX0z.js",
            "logo_84d8c38e.svg",
            "runtime~main.a8a9905a.js",
        ] {
            assert!(is_hashed(name.as_bytes(), None), "{name}");
        }
    }

    #[test]
    fn words_dates_and_versions_are_no_digests() {
        for name in [
            "app.js",
            "report-20240101.pdf",
            "jquery.min.js",
            "jquery-3.7.1.min.js",
            "facade-decade.html",
            "3f2a1c.js",
            "a.3f2a1",
            "photo-of-the-garden.jpg",
            "bootstrap.bundle.min.css",
            "README",
            "2024-01-01.12345678.tar",
            "",
        ] {
            assert!(!is_hashed(name.as_bytes(), None), "{name}");
        }
    }

    #[test]
    fn a_query_may_have_the_version() {
        for (query, is) in [
            ("v=12", true),
            ("a=b&ver=6.4.1", true),
            ("id=3f2a1c", true),
            ("v=", false),
            ("v", false),
            ("vv=1", false),
            ("page=2", false),
            ("", false),
        ] {
            assert_eq!(is_hashed(b"style.css", Some(query.as_bytes())), is, "{query}");
        }
    }
}
