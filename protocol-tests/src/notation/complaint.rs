//! What is wrong with a case file or profile, and where.

use std::fmt;
use std::ops::Range;

/// A complaint about a place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The name of the file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The whole line.
    excerpt: String,
}

impl Complaint {
    /// A complaint about the bytes `span` of `text`.
    pub(crate) fn new(file: &str, text: &str, span: &Range<usize>, message: impl Into<String>) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
            excerpt: text[line_start..].lines().next().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            excerpt,
        } = self;
        writeln!(f, "{file}:{line}:{column}: {message}")?;
        writeln!(f, "    {excerpt}")?;
        write!(f, "    {:>column$}", '^')
    }
}

impl std::error::Error for Complaint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_shows_the_line_and_points_at_the_place() {
        let complaint = Complaint::new("x.toml", "a = 1\nbé = 2\n", &(11..12), "no");
        assert_eq!(complaint.to_string(), "x.toml:2:5: no\n    bé = 2\n        ^");
    }
}
