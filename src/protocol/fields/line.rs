//! A field line of a head (RFC 9112, section 5), as far as it needs no closer look.

use std::ops::Range;

use super::scan;
use super::{FieldName, is_token};

/// Where the parts of a field line are. The name is a token, and the value has no control byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::protocol) struct FieldLine {
    /// What the spelling means.
    pub(in crate::protocol) name: FieldName,
    /// The name.
    pub(in crate::protocol) spelling: Range<usize>,
    /// The value, without the blanks around it.
    pub(in crate::protocol) value: Range<usize>,
}

impl FieldLine {
    /// The line that begins at `start` and the place of the control byte that ends its text: a CR or LF, if all is well.
    ///
    /// `None` says that the line is not complete or not well-formed; what it is will not be found here.
    #[inline]
    pub(in crate::protocol) fn read(block: &[u8], start: usize) -> Option<(Self, usize)> {
        let text = block.get(start..)?;
        let colon = scan::len_before::<b':'>(text);
        let (spelling, rest) = (text.get(..colon)?, text.get(colon + 1..)?);
        let name = FieldName::of(spelling);
        if name == FieldName::Other && !is_token(spelling) {
            return None;
        }
        let from = start + colon + 1;
        let end = from + scan::text_len(rest);
        let line = Self {
            name,
            spelling: start..start + colon,
            value: trimmed(block, from..end),
        };
        (end < block.len()).then_some((line, end))
    }

    /// Whether the line is as we write one: a single space in front of the value, nothing behind it, CR LF.
    #[inline]
    pub(super) fn is_plain(&self, block: &[u8]) -> bool {
        let (colon, start) = (self.spelling.end, self.value.start);
        start == colon + 2 && block[colon + 1] == b' ' && block[self.value.end..].starts_with(b"\r\n")
    }
}

/// The range without the blanks at both ends.
#[inline]
fn trimmed(block: &[u8], range: Range<usize>) -> Range<usize> {
    let is_blank = |at: usize| matches!(block[at], b' ' | b'\t');
    let (mut start, mut end) = (range.start, range.end);
    while start < end && is_blank(start) {
        start += 1;
    }
    while start < end && is_blank(end - 1) {
        end -= 1;
    }
    start..end
}
