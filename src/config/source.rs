//! The text of a configuration: one file, and those that it includes behind it.

use std::ops::Range;

/// A configuration text and the names it is shown under. A place in it is a range of bytes of all the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    text: String,
    /// Where each file begins, and its name: usually its path. The first one begins at 0.
    files: Vec<(usize, String)>,
}

/// Some of one file.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    /// All of that file.
    pub(super) text: &'a str,
    /// Where the part stands in it.
    pub(super) span: Range<usize>,
}

impl Source {
    /// The text of one file.
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            text: text.to_owned(),
            files: vec![(0, name.to_owned())],
        }
    }

    /// Puts another file behind; gives the place where its text begins.
    pub(super) fn append(&mut self, name: &str, text: &str) -> usize {
        // No place of one file is in another one, not even the end.
        self.text.push('\n');
        let start = self.text.len();
        self.text.push_str(text);
        self.files.push((start, name.to_owned()));
        start
    }

    /// The name of the first file.
    pub fn name(&self) -> &str {
        &self.files[0].1
    }

    /// All of the text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The file that a range of bytes is in.
    pub(super) fn part(&self, span: &Range<usize>) -> Part<'_> {
        let number = self.files.partition_point(|(start, _)| *start <= span.start);
        let (start, name) = &self.files[number.saturating_sub(1)];
        let end = self
            .files
            .get(number)
            .map_or(self.text.len(), |(next, _)| next - 1);
        Part {
            name,
            text: &self.text[*start..end],
            span: span.start - start..span.end.min(end).max(span.start) - start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_in_the_file_that_has_it() {
        let mut source = Source::new("a.toml", "one\n");
        let start = source.append("b.toml", "two");
        let part = |span: Range<usize>| {
            let part = source.part(&span);
            (part.name.to_owned(), part.text.to_owned(), part.span)
        };
        assert_eq!(part(0..3), ("a.toml".into(), "one\n".into(), 0..3));
        assert_eq!(part(4..4), ("a.toml".into(), "one\n".into(), 4..4));
        assert_eq!(part(start..start + 3), ("b.toml".into(), "two".into(), 0..3));
        assert_eq!(part(0..usize::MAX), ("a.toml".into(), "one\n".into(), 0..4));
    }
}
