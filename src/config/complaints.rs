//! All complaints about one text, gathered instead of thrown.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Severity};
use super::source::Source;

/// What has been found wrong so far.
pub(super) struct Complaints {
    source: Arc<Source>,
    found: Vec<Diagnostic>,
    /// Tables and arrays that lost an entry: what is missing there may not be missing.
    damaged: HashSet<(usize, usize)>,
    /// The names that the patterns of the route that is being read give to what they take out of a request.
    pub(super) captures: Vec<String>,
    /// Lines that are not TOML, as byte ranges: what follows from them is not worth saying.
    unreadable: Vec<Range<usize>>,
}

impl Complaints {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            found: Vec::new(),
            damaged: HashSet::new(),
            captures: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// Adds the text of another file; gives the place where it begins.
    pub(super) fn append(&mut self, name: &str, text: &str) -> usize {
        Arc::make_mut(&mut self.source).append(name, text)
    }

    /// The text with its files.
    pub(super) fn source(&self) -> Arc<Source> {
        self.source.clone()
    }

    /// Something that makes the configuration unusable.
    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, Some(span), message.into())
    }

    /// Something that is probably not meant.
    pub(super) fn warning(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, Some(span), message.into())
    }

    /// Something that the whole file lacks.
    pub(super) fn absent(&mut self, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, None, message.into())
    }

    /// Remembers that the table or array at `span` lost an entry that has been complained about.
    pub(super) fn damage(&mut self, span: Range<usize>) {
        self.damaged.insert((span.start, span.end));
    }

    /// Complains about text that is no TOML; the rest of its line is passed over, since one slip has many
    /// consequences.
    pub(super) fn unreadable(&mut self, span: Range<usize>, message: String) -> &mut Diagnostic {
        self.unreadable.push(self.line(span.start));
        self.add(Severity::Error, Some(span), message)
    }

    /// The place of `part` within `span`, or all of `span` when it is not written out there.
    pub(super) fn part(&self, span: Range<usize>, part: &str) -> Range<usize> {
        let raw = self.source.text().get(span.clone()).unwrap_or_default();
        match raw.find(part) {
            Some(start) if !part.is_empty() => span.start + start..span.start + start + part.len(),
            _ => span,
        }
    }

    /// Whether the table at `span` is as it was written, so that a missing key is really missing.
    pub(super) fn is_whole(&self, span: Range<usize>) -> bool {
        self.unreadable.is_empty() && !self.is_damaged(span)
    }

    /// Whether the table or array at `span` lost an entry.
    pub(super) fn is_damaged(&self, span: Range<usize>) -> bool {
        self.damaged.contains(&(span.start, span.end))
    }

    /// Errors so far.
    pub(super) fn errors(&self) -> usize {
        self.found
            .iter()
            .filter(|found| found.severity() == Severity::Error)
            .count()
    }

    /// Everything found, in the order of the text; of an unreadable line only the first.
    pub(super) fn into_vec(self) -> Vec<Diagnostic> {
        let mut heard = HashSet::new();
        let line = |position| self.unreadable.iter().position(|line| line.contains(&position));
        let mut found = self.found;
        found.retain(|found| line(found.position()).is_none_or(|line| heard.insert(line)));
        found.sort_by_key(Diagnostic::position);
        found.dedup();
        found
    }

    fn add(&mut self, severity: Severity, span: Option<Range<usize>>, message: String) -> &mut Diagnostic {
        self.found
            .push(Diagnostic::new(self.source.clone(), severity, span, message));
        self.found.last_mut().expect("an element was just pushed")
    }

    /// The line around `position`, with its end.
    fn line(&self, position: usize) -> Range<usize> {
        let text = self.source.text().as_bytes();
        let position = position.min(text.len());
        let newline = |byte: &u8| *byte == b'\n';
        let start = text[..position].iter().rposition(newline).map_or(0, |at| at + 1);
        let end = text[position..]
            .iter()
            .position(newline)
            .map_or(text.len() + 1, |at| position + at + 1);
        start..end
    }
}

/// Stands for the top level of the document in [`Complaints::damage`] and [`Complaints::is_whole`].
pub(super) const DOCUMENT: Range<usize> = 0..usize::MAX;
