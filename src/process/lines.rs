//! Whole lines out of what a process writes, in pieces.

use std::mem;

/// Longest line, in bytes; the rest of a longer one is left out.
pub(super) const MAX_LINE: usize = 8 * 1024;

/// What was written and is no line yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    /// The line has been too long; what follows of it is not kept.
    is_cut: bool,
}

impl Lines {
    /// Takes a piece; gives each line that it completes to `line`.
    pub(super) fn push(&mut self, mut piece: &[u8], mut line: impl FnMut(String)) {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            self.keep(&piece[..end]);
            line(self.take());
            piece = &piece[end + 1..];
        }
        self.keep(piece);
    }

    /// The last line, where no line feed ends it.
    pub(super) fn finish(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = MAX_LINE - self.partial.len();
        self.is_cut |= piece.len() > room;
        self.partial.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// Ends the line. Control characters would let an application write to the terminal on which the log is read.
    fn take(&mut self) -> String {
        let bytes = mem::take(&mut self.partial);
        let text = String::from_utf8_lossy(&bytes);
        let mut line: String = text.trim_end_matches('\r').chars().map(visible).collect();
        if mem::take(&mut self.is_cut) {
            line.push_str(" [cut]");
        }
        line
    }
}

fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<String>, Lines) {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, |line| found.push(line));
        }
        (found, lines)
    }

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        let (found, mut lines) = lines(&[b"a", b"b\r\nc\n", b"\nd"]);
        assert_eq!(found, ["ab", "c", ""]);
        assert_eq!(lines.finish().as_deref(), Some("d"));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn a_line_without_an_end_takes_no_more_than_its_limit() {
        let piece = [b'x'; 1000];
        let (found, mut lines) = lines(&[&piece[..]; 20]);
        assert!(found.is_empty() && lines.partial.len() == MAX_LINE);
        lines.push(b"\nnext\n", |line| {
            assert!(line.ends_with("x [cut]") || line == "next")
        });
        assert!(lines.partial.is_empty());
    }

    #[test]
    fn terminals_are_not_written_to() {
        let (found, _) = lines(&[b"\x1b[31mred\tcell\xff\n"]);
        assert_eq!(found, ["\u{fffd}[31mred cell\u{fffd}"]);
    }
}
