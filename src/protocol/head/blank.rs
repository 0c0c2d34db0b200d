//! Finds the blank line that ends a head, over any number of pieces, looking at every byte once.

use memchr::memchr_iter;

/// The search so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BlankLine {
    line: Line,
}

/// What is known of the line that has not ended yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Empty,
    /// Only a CR: blank if LF follows.
    Cr,
    Text,
}

impl BlankLine {
    /// The offset in `piece` just behind the blank line, if it is in there. Pieces are consecutive.
    pub(super) fn find(&mut self, piece: &[u8]) -> Option<usize> {
        let mut start = 0;
        for feed in memchr_iter(b'\n', piece) {
            let line = std::mem::take(&mut self.line).and(&piece[start..feed]);
            start = feed + 1;
            if line != Line::Text {
                return Some(start);
            }
        }
        self.line = self.line.and(&piece[start..]);
        None
    }
}

impl Line {
    fn and(self, bytes: &[u8]) -> Self {
        match (self, bytes) {
            (line, []) => line,
            (Self::Empty, [b'\r']) => Self::Cr,
            _ => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_line_is_found_at_every_split() {
        for (text, end) in [
            ("a: b\r\n\r\nbody\n\n", Some(8)),
            ("a: b\n\nbody", Some(6)),
            ("a: b\n\r\nbody", Some(7)),
            ("a: b\r\n\nbody", Some(7)),
            ("\r\nbody", Some(2)),
            ("\n", Some(1)),
            ("a: b\r\n\r\r\n", None),
            ("a: b\r\n \r\n", None),
            ("a: b\r\n\r", None),
        ] {
            for split in 0..=text.len() {
                let (left, right) = text.as_bytes().split_at(split);
                let mut blank = BlankLine::default();
                let found = blank
                    .find(left)
                    .or_else(|| blank.find(right).map(|end| split + end));
                assert_eq!(found, end, "{text:?} at {split}");
            }
        }
    }
}
