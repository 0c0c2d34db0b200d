//! Names that change with the contents of their files, because a tool puts a digest of those into them.
//!
//! `app.3f2a1c.js` (webpack, Django, Rails), `index-BxKd3_9a.js` (Vite), `main.8e0d62a0.chunk.css`; or a query with the
//! digest or the version, `style.css?v=12` (Nextcloud, WordPress).
//!
//! A digest that is taken for a word costs a question; a word that is taken for a digest is kept for a year. What may be
//! either is therefore none.

/// Hexadecimal digits of a digest behind a dot, at least.
const HEX: usize = 6;

/// The same behind a hyphen, where colours stand, too.
const HEX_AT_END: usize = 8;

/// Digits to the base 64 of a digest: as many as Vite writes.
const BASE64: usize = 8;

/// Letters of one word, which no digest has.
const WORD: usize = 4;

/// Names of variables of a query that hold a version.
const VERSIONS: [&[u8]; 3] = [b"v", b"ver", b"hash"];

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
    pieces.any(|piece| is_digest(piece, HEX))
        || after_hyphen(b'-').is_some_and(is_last_digest)
        || after_hyphen(b'_').is_some_and(is_last_digest)
}

/// Whether the end of a text, behind a hyphen or from its start on, is a digest; that may have hyphens itself.
fn is_last_digest(text: &[u8]) -> bool {
    let mut starts = (0..text.len()).filter(|at| *at == 0 || matches!(text[at - 1], b'-' | b'_'));
    starts.any(|start| is_digest(&text[start..], HEX_AT_END))
}

fn is_digest(piece: &[u8], least_hex: usize) -> bool {
    is_hex(piece, least_hex) || is_base64(piece)
}

/// Digits alone are a date or a number, letters alone are a word, and one behind the other are a word with a number.
fn is_hex(piece: &[u8], least: usize) -> bool {
    let changes = piece
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit());
    piece.len() >= least && piece.iter().all(u8::is_ascii_hexdigit) && changes.count() >= 2
}

/// Both cases and digits, mixed as in no name: `Chapter1`, `Q3Report` and `Q1-2024b` are none.
fn is_base64(piece: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| piece.iter().any(is);
    let is_separator = |byte: &u8| matches!(byte, b'-' | b'_');
    let separators = piece.iter().copied().filter(|byte| is_separator(byte)).count();
    piece.len() == BASE64
        && piece
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || is_separator(byte))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && separators <= 1
        && parts(piece).count() >= 4 + separators
        && parts(piece).all(|part| part.len() < WORD || part[0].is_ascii_digit())
}

/// The words and the numbers: `Vol2Ch03` has `Vol`, `2`, `Ch` and `03`.
fn parts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let goes_on = |one: &u8, next: &u8| {
        let is_word = one.is_ascii_alphabetic() && next.is_ascii_lowercase();
        let is_capital = one.is_ascii_uppercase() && next.is_ascii_uppercase();
        let is_number = one.is_ascii_digit() && next.is_ascii_digit();
        is_word || is_capital || is_number
    };
    text.chunk_by(goes_on)
        .filter(|part| part[0].is_ascii_alphanumeric())
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
            "app-Dt4zEpZq.css",
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
            "my-Resume2024.pdf",
            "page-Section4B",
            "page-Section4B.txt",
            "foo-Chapter1.txt",
            "logo-Black100.svg",
            "foo-Version2.js",
            "case-iPhone5s.jpg",
            "sales-Q3Report.pdf",
            "sales-Q1-2024b.pdf",
            "form-A4-v2-3b.pdf",
            "film-Part1of2.mp4",
            "chart-Top10Hit.png",
            "house-facade20.jpg",
            "house.facade2.jpg",
            "report-20240101a.pdf",
            "background-e5e5e5.png",
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
            ("hash=3f2a1c", true),
            ("id=3f2a1c", false),
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
