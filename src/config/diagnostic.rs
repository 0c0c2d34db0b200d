//! A complaint about the file: what, where, and what to do about it.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};

use super::source::{Part, Source};

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
        let title = self.level().primary_title(self.message.as_str());
        let mut group = match &self.place {
            Some(place) => title.element(self.snippet(place)),
            None => title.element(Origin::path(self.source.name())),
        };
        for place in self.elsewhere() {
            group = group.element(self.context(place));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        render(&renderer, group)
    }

    /// The place with those that are related to it in the same file.
    fn snippet(&self, place: &Place) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let part = self.source.part(&place.span);
        let own = AnnotationKind::Primary
            .span(visible(&part))
            .label(place.label.clone());
        let related = self
            .related
            .iter()
            .map(|place| (place, self.source.part(&place.span)));
        let related = related.filter(|(_, other)| other.name == part.name);
        Snippet::source(part.text)
            .path(part.name)
            .annotation(own)
            .annotations(related.map(|(place, part)| {
                AnnotationKind::Context
                    .span(visible(&part))
                    .label(place.label.clone())
            }))
    }

    /// The related places in other files.
    fn elsewhere(&self) -> impl Iterator<Item = &Place> {
        let name = |place: &Place| self.source.part(&place.span).name;
        let own = self.place.as_ref().map(name);
        self.related.iter().filter(move |place| Some(name(place)) != own)
    }

    fn context(&self, place: &Place) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let part = self.source.part(&place.span);
        let annotation = AnnotationKind::Context
            .span(visible(&part))
            .label(place.label.clone());
        Snippet::source(part.text).path(part.name).annotation(annotation)
    }

    fn level(&self) -> Level<'static> {
        match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        }
    }
}

/// What a part has on its first line: a table that goes on for pages is named by its head.
fn visible(part: &Part<'_>) -> Range<usize> {
    let text = part.text.get(part.span.clone()).unwrap_or_default();
    part.span.start..part.span.start + text.lines().next().map_or(0, str::len)
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
