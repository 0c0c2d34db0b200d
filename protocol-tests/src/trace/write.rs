//! Writes a trace.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use super::{Entry, Event, Header, MAGIC, VERSION};
use crate::decode::Remark;

/// A trace under way.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Begins a trace.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn begin(mut out: W, header: &Header) -> io::Result<Self> {
        out.write_all(head(header).as_bytes())?;
        out.flush()?;
        Ok(Self { out })
    }

    /// Adds an entry and what it means, and flushes.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn entry(&mut self, entry: &Entry, remarks: &[Remark]) -> io::Result<()> {
        let mut text = String::new();
        // A String takes everything.
        let _ = write!(
            text,
            "{} {} {} ",
            entry.connection,
            seconds(entry.at),
            entry.from.mark()
        );
        event(&entry.event, &mut text);
        for remark in remarks {
            comment(&remark.to_string(), &mut text);
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Adds a line for people.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn comment(&mut self, words: &str) -> io::Result<()> {
        let mut text = String::new();
        comment(words, &mut text);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

fn head(header: &Header) -> String {
    let mut text = format!("{MAGIC} {VERSION}\n");
    let fields = [
        ("protocol", header.protocol.map(|protocol| protocol.to_string())),
        ("listen", header.listen.clone()),
        ("target", header.target.clone()),
        ("date", header.date.clone()),
        ("redacted", header.redacted.then(|| "yes".to_owned())),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            let _ = writeln!(text, "{name} {}", escape(&value));
        }
    }
    text.push('\n');
    text
}

fn event(event: &Event, text: &mut String) {
    let _ = match event {
        Event::Open => writeln!(text, "open"),
        Event::Refused => writeln!(text, "refused"),
        Event::Fin => writeln!(text, "fin"),
        Event::Close => writeln!(text, "close"),
        Event::Reset => writeln!(text, "reset"),
        Event::Lost(count) => writeln!(text, "lost {count}"),
        Event::Bytes(bytes) => {
            let written = writeln!(text, "bytes {}", bytes.len());
            bytes.chunks(ROW).for_each(|row| hex_row(row, text));
            written
        }
    };
}

/// The bytes in hex, and what they look like. Most of the time of a busy relay is spent here.
fn hex_row(row: &[u8], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.push_str("   ");
    for (at, byte) in row.iter().enumerate() {
        text.push_str(if at == ROW / 2 { "  " } else { " " });
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    let missing = 3 * (ROW - row.len()) + usize::from(row.len() <= ROW / 2);
    text.extend(std::iter::repeat_n(' ', missing));
    text.push_str("  |");
    let visible = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    text.extend(row.iter().map(visible));
    text.push_str("|\n");
}

fn comment(words: &str, text: &mut String) {
    for line in words.lines() {
        let end = line.floor_char_boundary(MAX_COMMENT.min(line.len()));
        let more = if end < line.len() { " …" } else { "" };
        let _ = writeln!(text, "  # {}{more}", &line[..end]);
    }
}

/// Seconds with six decimals; nine where a clock was that good.
fn seconds(at: Duration) -> String {
    match at.subsec_nanos() % 1000 {
        0 => format!("{}.{:06}", at.as_secs(), at.subsec_micros()),
        _ => format!("{}.{:09}", at.as_secs(), at.subsec_nanos()),
    }
}

/// A value never ends its line.
fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

const ROW: usize = 16; // bytes on a line
const MAX_COMMENT: usize = 16 << 10; // bytes of a comment's line; readers have a limit for lines
