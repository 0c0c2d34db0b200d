//! `Content-Type` from a file name.

use std::borrow::Cow;

use mime_guess::MimeGuess;

/// For names that tell nothing; browsers offer to save it.
const UNKNOWN: Cow<'static, str> = Cow::Borrowed("application/octet-stream");

/// The value of `Content-Type` for a file of this name. Text is declared as UTF-8, except XML, which names its
/// own encoding.
pub(super) fn content_type(name: &[u8]) -> Cow<'static, str> {
    let Some(dot) = memchr::memrchr(b'.', name) else {
        return UNKNOWN;
    };
    let guess = std::str::from_utf8(&name[dot + 1..]).map(MimeGuess::from_ext);
    match guess.ok().and_then(|guess| guess.first_raw()) {
        None => UNKNOWN,
        // The three that most requests ask for need no formatting.
        Some("text/html") => Cow::Borrowed("text/html; charset=utf-8"),
        Some("text/css") => Cow::Borrowed("text/css; charset=utf-8"),
        Some("text/javascript" | "application/javascript") => Cow::Borrowed("text/javascript; charset=utf-8"),
        Some(text) if text.starts_with("text/") && text != "text/xml" => {
            Cow::Owned(format!("{text}; charset=utf-8"))
        }
        Some(other) => Cow::Borrowed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf8_and_the_unknown_is_bytes() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("INDEX.HTML", "text/html; charset=utf-8"),
            ("app.min.js", "text/javascript; charset=utf-8"),
            ("app.mjs", "text/javascript; charset=utf-8"),
            ("notes.txt", "text/plain; charset=utf-8"),
            ("feed.xml", "text/xml"),
            ("a.svg", "image/svg+xml"),
            ("a.json", "application/json"),
            ("a.wasm", "application/wasm"),
            ("a.woff2", "font/woff2"),
            ("README", "application/octet-stream"),
            ("a.", "application/octet-stream"),
            ("a.nonsense", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(content_type(b"a.\xff"), "application/octet-stream");
    }
}
