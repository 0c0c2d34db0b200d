//! Text as TOML writes it.

use std::fmt::Write as _;

/// A TOML basic string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c)); // a String takes everything
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_read_as_it_was() {
        let text = "plain \"$x\" \\ \r\n\t\u{1}\u{7f} zürich";
        let document = format!("x = {}", quoted(text));
        let table: toml::Table = toml::from_str(&document).expect("TOML");
        assert_eq!(table["x"].as_str(), Some(text));
    }
}
