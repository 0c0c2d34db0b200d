//! Bytes as TOML.

use std::fmt::Write as _;

use crate::content::ramp;
use crate::notation::quoted;

/// A content: text where it can be read, a pattern, or hex.
pub(super) fn content(bytes: &[u8]) -> String {
    let pattern = |name: &str, value: String| format!("{{ {name} = {value} }}");
    match bytes {
        [first, rest @ ..] if bytes.len() >= LONG && rest.iter().all(|byte| byte == first) => {
            let of = content(&[*first]);
            format!("{{ fill = {of}, length = {} }}", bytes.len())
        }
        _ if bytes.len() >= LONG && bytes == ramp(bytes.len()) => pattern("ramp", bytes.len().to_string()),
        _ => match text(bytes) {
            Some(text) => text,
            None => pattern("hex", format!("'''{}'''", hex(bytes))),
        },
    }
}

/// A string, if the bytes are text. Nothing in it refers to a value.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_text = |c: char| !c.is_control() || matches!(c, '\r' | '\n' | '\t');
    text.chars()
        .all(is_text)
        .then(|| quoted(&text.replace('$', "$$")))
}

/// Rows of hex with what they look like; nothing in them ends a literal string.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::from("\n");
    for row in bytes.chunks(ROW) {
        let digits: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let visible = |byte: &u8| match byte {
            b'\'' => '.',
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        let visible: String = row.iter().map(visible).collect();
        let _ = writeln!(out, "        {:47}  # {visible}", digits.join(" ")); // a String takes everything
    }
    out.push_str("    ");
    out
}

/// A line that hex ignores.
pub(super) fn comment(words: &str) -> String {
    let words: String = words.chars().filter(|c| *c != '\'' && !c.is_control()).collect();
    match words.is_empty() {
        true => String::new(),
        false => format!("\n        # {words}"),
    }
}

const ROW: usize = 16; // bytes on a line
const LONG: usize = 65; // bytes from which on a pattern is better than text

#[cfg(test)]
mod tests {
    use super::super::piece::encode;
    use super::*;
    use crate::protocol::Protocol;

    #[test]
    fn every_content_gives_its_bytes_again() {
        let samples: [Vec<u8>; 8] = [
            Vec::new(),
            b"plain \"$x ${y} \\ \r\n\t".to_vec(),
            "zürich \u{7f}".as_bytes().to_vec(),
            (0..=255).collect(),
            vec![b'x'; 70_000],
            vec![0xff; 100],
            ramp(4096),
            b"'''\0# ".to_vec(),
        ];
        for sample in samples {
            let text = content(&sample);
            assert_eq!(encode(Protocol::Http, &text).as_ref(), Some(&sample), "{text}");
        }
        assert_eq!(content(&[b'x'; 70_000]), "{ fill = \"x\", length = 70000 }");
        assert_eq!(content(&ramp(4096)), "{ ramp = 4096 }");
    }
}
