//! The text of a capture; `fixtures/wire/README.md` describes it.

use super::case::Case;
use super::exchange::Traffic;

/// The whole file.
pub(crate) fn file(case: &Case, version: &str, traffic: &Traffic) -> String {
    let mut text = format!("# {}\n# {version}\n", case.what);
    for (request, answer) in &traffic.turns {
        bytes(&mut text, '>', request);
        bytes(&mut text, '<', answer);
    }
    text += if traffic.is_closed {
        "# then EOF\n"
    } else {
        "# the connection stays open\n"
    };
    for event in &case.events {
        text += &format!("= {event}\n");
    }
    text
}

fn bytes(text: &mut String, sign: char, bytes: &[u8]) {
    for line in bytes
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| line.chunks(WIDTH))
    {
        let escaped: String = line.iter().map(|byte| escape(*byte)).collect();
        text.push_str(&format!("{sign} \"{escaped}\"\n"));
    }
}

fn escape(byte: u8) -> String {
    match byte {
        b'\r' => "\\r".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b'"' => "\\\"".to_owned(),
        0 => "\\0".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

const WIDTH: usize = 96; // bytes on a line

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_after_a_newline_or_at_their_width() {
        let mut text = String::new();
        bytes(
            &mut text,
            '<',
            &[b"a\r\n\"\\\0\t\xff".as_slice(), &[b'x'; 95]].concat(),
        );
        let expected = format!(
            "< \"a\\r\\n\"\n< \"\\\"\\\\\\0\\t\\xff{}\"\n< \"xxxx\"\n",
            "x".repeat(91)
        );
        assert_eq!(text, expected);
    }
}
