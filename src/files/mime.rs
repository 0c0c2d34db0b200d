//! `Content-Type` from a file name.

use std::borrow::Cow;

use mime_guess::MimeGuess;

use super::delivery::Delivery;

/// Endings whose types have changed since the library's list was made, or are not in it; as IANA and the WHATWG have
/// them.
const OWN: [(&str, &str); 17] = [
    ("cjs", "text/javascript"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("map", "application/json"),
    ("mjs", "text/javascript"),
    ("obj", "model/obj"),
    ("otf", "font/otf"),
    ("rpm", "application/x-rpm"),
    ("stl", "model/stl"),
    ("toml", "application/toml"),
    ("ts", "video/mp2t"),
    ("usdz", "model/vnd.usdz+zip"),
    ("vcf", "text/vcard"),
    ("woff", "font/woff"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zst", "application/zstd"),
];

/// The value of `Content-Type` for a file of this name; text is said to be in a charset, if that is known.
///
/// XML is not: it names its own encoding, as HTML does with `<meta>`, which a charset of ours would override.
pub(super) fn content_type<'d>(name: &[u8], delivery: &'d Delivery) -> Cow<'d, str> {
    let kind = media_type(name, delivery);
    match &delivery.charset {
        Some(charset) if kind.starts_with("text/") && kind != "text/xml" && !kind.contains(';') => {
            Cow::Owned(format!("{kind}; charset={charset}"))
        }
        _ => Cow::Borrowed(kind),
    }
}

/// The same without a charset, unless it was typed with one.
pub(super) fn media_type<'d>(name: &[u8], delivery: &'d Delivery) -> &'d str {
    let dot = memchr::memrchr(b'.', name);
    let ending = dot.and_then(|dot| std::str::from_utf8(&name[dot + 1..]).ok());
    ending
        .and_then(|ending| typed(ending, delivery).or_else(|| known(ending)))
        .unwrap_or(&delivery.default_type)
}

/// What the operator says.
fn typed<'d>(ending: &str, delivery: &'d Delivery) -> Option<&'d str> {
    if delivery.types.is_empty() {
        return None;
    }
    let kind = delivery.types.get(&ending.to_ascii_lowercase());
    kind.map(String::as_str)
}

fn known(ending: &str) -> Option<&'static str> {
    let own = OWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending));
    own.map(|(_, kind)| *kind)
        .or_else(|| MimeGuess::from_ext(ending).first_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &[u8], charset: Option<&str>) -> String {
        let delivery = Delivery {
            charset: charset.map(str::to_owned),
            ..Delivery::default()
        };
        content_type(name, &delivery).into_owned()
    }

    #[test]
    fn the_operator_has_the_last_word() {
        let typed = [
            ("pkg", "application/vnd.ours"),
            ("tex", "text/x-tex"),
            ("html", "text/html; charset=koi8-r"),
        ];
        let delivery = Delivery {
            charset: Some("utf-8".to_owned()),
            types: typed
                .map(|(ending, kind)| (ending.to_owned(), kind.to_owned()))
                .into(),
            default_type: "text/plain".to_owned(),
            ..Delivery::default()
        };
        for (name, expected) in [
            ("a.pkg", "application/vnd.ours"),
            ("a.PKG", "application/vnd.ours"),
            ("a.tex", "text/x-tex; charset=utf-8"),
            ("a.html", "text/html; charset=koi8-r"),
            ("README", "text/plain; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
        ] {
            assert_eq!(content_type(name.as_bytes(), &delivery), expected, "{name}");
        }
    }

    #[test]
    fn the_ending_decides_and_the_unknown_is_bytes() {
        for (name, expected) in [
            ("index.html", "text/html"),
            ("INDEX.HTML", "text/html"),
            ("app.css", "text/css"),
            ("app.min.js", "text/javascript"),
            ("app.mjs", "text/javascript"),
            ("app.js.map", "application/json"),
            ("notes.txt", "text/plain"),
            ("notes.md", "text/markdown"),
            ("feed.xml", "text/xml"),
            ("a.svg", "image/svg+xml"),
            ("a.json", "application/json"),
            ("a.wasm", "application/wasm"),
            ("site.webmanifest", "application/manifest+json"),
            ("a.woff", "font/woff"),
            ("A.WOFF", "font/woff"),
            ("a.woff2", "font/woff2"),
            ("a.otf", "font/otf"),
            ("a.ttf", "font/ttf"),
            ("a.webp", "image/webp"),
            ("a.avif", "image/avif"),
            ("a.jxl", "image/jxl"),
            ("a.ico", "image/x-icon"),
            ("a.m4a", "audio/mp4"),
            ("a.opus", "audio/ogg"),
            ("a.webm", "video/webm"),
            ("a.m3u8", "application/vnd.apple.mpegurl"),
            ("segment.ts", "video/mp2t"),
            ("a.vtt", "text/vtt"),
            ("a.yml", "application/yaml"),
            ("README", "application/octet-stream"),
            ("a.", "application/octet-stream"),
            ("a.nonsense", "application/octet-stream"),
        ] {
            assert_eq!(kind(name.as_bytes(), None), expected, "{name}");
        }
        assert_eq!(kind(b"a.\xff", None), "application/octet-stream");
    }

    #[test]
    fn text_is_in_the_charset_that_it_is_said_to_be_in() {
        for (name, expected) in [
            ("index.html", "text/html; charset=iso-8859-1"),
            ("app.js", "text/javascript; charset=iso-8859-1"),
            ("notes.txt", "text/plain; charset=iso-8859-1"),
            ("feed.xml", "text/xml"),
            ("a.svg", "image/svg+xml"),
            ("a.json", "application/json"),
            ("README", "application/octet-stream"),
        ] {
            assert_eq!(kind(name.as_bytes(), Some("iso-8859-1")), expected, "{name}");
        }
    }
}
