//! A complaint about the file: what, where, and what to do about it.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};

/// One complaint, tied to the text it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    severity: Severity,
    message: String,
    place: Option<Place>,
    related: Vec<Place>,
    help: Option<String>,
    source: Arc<Source>,
}

/// Whether the configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but probably does not do what is wanted.
    Warning,
}

/// A configuration text and the name it is shown under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Usually the path of the file.
    pub name: String,
    /// All of it.
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    span: Range<usize>,
    label: Option<String>,
}

impl Diagnostic {
    /// A complaint about the bytes `span`, or about the file as a whole.
    pub(super) fn new(
        source: Arc<Source>,
        severity: Severity,
        span: Option<Range<usize>>,
        message: String,
    ) -> Self {
        Self {
            severity,
            message,
            place: span.map(|span| Place { span, label: None }),
            related: Vec::new(),
            help: None,
            source,
        }
    }

    /// Shows another place that has to do with it.
    pub(super) fn related(&mut self, span: Range<usize>, label: impl Into<String>) -> &mut Self {
        self.related.push(Place {
            span,
            label: Some(label.into()),
        });
        self
    }

    /// Says what to do about it.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it keeps the configuration from being used.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// First byte of the place in the text; complaints about the whole file come last.
    pub(super) fn position(&self) -> usize {
        self.place.as_ref().map_or(usize::MAX, |place| place.span.start)
    }

    /// The complaint with its line of the file, as rustc would show it; ends with a newline.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut group = self
            .level()
            .primary_title(self.message.as_str())
            .element(self.snippet());
        if self.place.is_none() {
            group = self
                .level()
                .primary_title(self.message.as_str())
                .element(Origin::path(self.source.name.as_str()));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        render(&renderer, group)
    }

    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let annotate = |kind: AnnotationKind, place: &Place| {
            kind.span(self.visible(&place.span)).label(place.label.clone())
        };
        Snippet::source(self.source.text.as_str())
            .path(self.source.name.as_str())
            .annotations(
                self.place
                    .iter()
                    .map(|place| annotate(AnnotationKind::Primary, place)),
            )
            .annotations(
                self.related
                    .iter()
                    .map(|place| annotate(AnnotationKind::Context, place)),
            )
    }

    /// The part of `span` on its first line: a table that goes on for pages is named by its head.
    fn visible(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.source.text.get(span.clone()).unwrap_or_default();
        span.start..span.start + text.lines().next().map_or(0, str::len)
    }

    fn level(&self) -> Level<'static> {
        match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        }
    }
}

/// A complaint that is about no place in a file: its first line, and nothing else; ends with a newline.
pub fn headline(message: &str, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    render(&renderer, Group::with_title(Level::ERROR.primary_title(message)))
}

fn render(renderer: &Renderer, group: Group<'_>) -> String {
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}
