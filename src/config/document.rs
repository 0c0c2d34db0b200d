//! Text to a tree of [`Node`]s, with every complaint about syntax and environment references.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue, Error};

use super::at::At;
use super::complaints::{Complaints, DOCUMENT};
use super::env::{self, EnvError, Lookup};
use super::node::{Node, Table, Value};

/// Reads `text`, which stands from `start` on, as far as any sense can be made of it.
pub(super) fn read(text: &str, start: usize, env: &Lookup<'_>, complaints: &mut Complaints) -> Table {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors
        .iter()
        .filter(|error| !is_consequence(error, &errors, text))
    {
        complain(error, text, start, complaints);
    }
    let mut reading = Reading {
        text,
        start,
        env,
        complaints,
    };
    reading.table(root.get_ref(), DOCUMENT)
}

fn complain(error: &Error, text: &str, start: usize, complaints: &mut Complaints) {
    let span = error.span().unwrap_or_default();
    let key = text.get(span.clone()).unwrap_or_default();
    let message = match error.message() {
        DUPLICATE => format!("`{key}` is there already"),
        message => message.trim_end_matches(", expected nothing").to_owned(),
    };
    let unquoted = ["invalid float", "invalid integer", "string values must be quoted"];
    let complaint = complaints.unreadable(span.start + start..span.end + start, message);
    if unquoted.iter().any(|start| error.message().starts_with(start)) {
        complaint.help("a text is written in quotes");
    }
}

/// Whether a key is there twice only because the head of its table is.
fn is_consequence(error: &Error, errors: &[Error], text: &str) -> bool {
    let line = |error: &Error| line_start(text, error.span().unwrap_or_default().start);
    let is_duplicate = |error: &Error| error.message() == DUPLICATE;
    let own = line(error);
    let head = head(text, own);
    is_duplicate(error)
        && head.is_some_and(|head| {
            head < own
                && errors
                    .iter()
                    .any(|other| is_duplicate(other) && line(other) == head)
        })
}

/// The start of the line that `at` is on.
fn line_start(text: &str, at: usize) -> usize {
    text.get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1)
}

/// The start of the table that the line at `line` belongs to.
fn head(text: &str, line: usize) -> Option<usize> {
    let own = text.get(line..)?.starts_with('[').then_some(line);
    own.or_else(|| text.get(..line)?.rfind("\n[").map(|newline| newline + 1))
        .or_else(|| text.starts_with('[').then_some(0))
}

/// What turning toml's values into ours needs.
struct Reading<'a, 'c> {
    text: &'a str,
    /// Where the text begins.
    start: usize,
    env: &'a Lookup<'a>,
    complaints: &'c mut Complaints,
}

impl Reading<'_, '_> {
    fn table(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Table {
        let entries = table.iter().map(|(key, value)| {
            let key = At::new(self.place(key.span()), key.get_ref().to_string());
            (key, self.node(value))
        });
        Table {
            entries: entries.collect(),
            span,
        }
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Node {
        let span = value.span();
        let template = match value.get_ref() {
            DeValue::String(text) if text.contains("${") => env::expand_for_template(text, self.env).ok(),
            _ => None,
        };
        let value = match value.get_ref() {
            DeValue::String(text) => self.string(text, span.clone()),
            DeValue::Integer(number) => integer(number),
            DeValue::Float(number) => Value::Other(format!("floating point `{number}`")),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Datetime(_) => Value::Other("a date or a time".to_owned()),
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table, self.place(span.clone()))),
        };
        let span = self.place(span);
        Node {
            span,
            value,
            template,
        }
    }

    /// The place of some of this text.
    fn place(&self, span: Range<usize>) -> Range<usize> {
        self.start + span.start..self.start + span.end
    }

    /// A text with the values of the environment references in it.
    fn string(&mut self, text: &str, span: Range<usize>) -> Value {
        match env::expand(text, self.env) {
            Ok(expanded) => Value::Text(expanded.into_owned()),
            Err(error) => {
                self.missing(&error, span);
                Value::Unusable
            }
        }
    }

    fn missing(&mut self, error: &EnvError, span: Range<usize>) {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let place = error
            .find(raw)
            .map_or(span.clone(), |at| span.start + at.start..span.start + at.end);
        let help = match error {
            EnvError::Missing(name) => {
                format!("set {name} in the environment, or write \"$${{\" for \"${{\"")
            }
            EnvError::File { .. } => "the user that starts the gateway has to be able to read it".to_owned(),
            EnvError::Open | EnvError::Name(_) => "write \"$${\" for a literal \"${\"".to_owned(),
        };
        let place = self.place(place);
        self.complaints.error(place, error.to_string()).help(help);
    }
}

fn integer(number: &DeInteger<'_>) -> Value {
    match i64::from_str_radix(number.as_str(), number.radix()) {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::Other(format!("integer `{number}`")),
    }
}

/// What toml says about a key or a table that is there twice.
const DUPLICATE: &str = "duplicate key";
