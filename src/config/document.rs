//! Text to [`File`], with every complaint about syntax, keys and types at once.
//!
//! serde stops at its first error. Here each error's entry is taken out of the parsed document, the table
//! it stood in is remembered as damaged, and reading starts over, until nothing is wrong any more.

use std::mem;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error};

use super::complaints::{Complaints, DOCUMENT};
use super::env::{self, Lookup};
use super::file::File;
use super::wording::{Wording, reword};

/// Reads `text`; `None` when no sense could be made of it.
pub(super) fn read(text: &str, lookup: &Lookup<'_>, complaints: &mut Complaints) -> Option<File> {
    let (mut root, errors) = DeTable::parse_recoverable(text);
    for error in errors
        .iter()
        .filter(|error| !is_consequence(error, &errors, text))
    {
        complain_about_syntax(error, text, complaints);
    }
    expand(&mut root, text, lookup, complaints);
    loop {
        let error = match File::deserialize(Deserializer::from(root.clone())) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        let span = error.span().unwrap_or_default();
        complain(error.message(), span.clone(), complaints);
        if complaints.errors() >= MAX_ERRORS || !prune(&mut root, &span, complaints) {
            return None;
        }
    }
}

fn complain_about_syntax(error: &Error, text: &str, complaints: &mut Complaints) {
    let span = error.span().unwrap_or_default();
    let key = text.get(span.clone()).unwrap_or_default();
    let message = match error.message() {
        DUPLICATE => format!("`{key}` is there already"),
        message => message.trim_end_matches(", expected nothing").to_owned(),
    };
    let unquoted = ["invalid float", "invalid integer", "string values must be quoted"];
    let complaint = complaints.unreadable(span, message);
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

fn complain(message: &str, span: Range<usize>, complaints: &mut Complaints) {
    let Wording { message, help } = reword(message);
    let complaint = complaints.error(span, message);
    if let Some(help) = help {
        complaint.help(help);
    }
}

/// Replaces environment references in every string; those that cannot be replaced are taken out.
fn expand(root: &mut Spanned<DeTable<'_>>, text: &str, lookup: &Lookup<'_>, complaints: &mut Complaints) {
    let mut failed = Vec::new();
    for value in root.get_mut().iter_mut().map(|(_, value)| value) {
        expand_value(value, lookup, &mut failed);
    }
    for (span, error) in failed {
        let raw = text.get(span.clone()).unwrap_or_default();
        let place = error
            .find(raw)
            .map_or(span.clone(), |at| span.start + at.start..span.start + at.end);
        let help = match &error {
            env::EnvError::Missing(name) => {
                format!("set {name} in the environment, or write \"$${{\" for \"${{\"")
            }
            env::EnvError::Open | env::EnvError::Name(_) => "write \"$${\" for a literal \"${\"".to_owned(),
        };
        complaints.error(place, error.to_string()).help(help);
        prune(root, &span, complaints);
    }
}

fn expand_value(
    value: &mut Spanned<DeValue<'_>>,
    lookup: &Lookup<'_>,
    failed: &mut Vec<(Range<usize>, env::EnvError)>,
) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) => match env::expand(text, lookup) {
            Ok(expanded) => *text = expanded.into_owned().into(),
            Err(error) => failed.push((span, error)),
        },
        DeValue::Array(items) => {
            for item in items.iter_mut() {
                expand_value(item, lookup, failed);
            }
        }
        DeValue::Table(table) => {
            for (_, value) in table.iter_mut() {
                expand_value(value, lookup, failed);
            }
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

/// Takes the entry at `span` out of the document; false when there is none.
fn prune(root: &mut Spanned<DeTable<'_>>, span: &Range<usize>, complaints: &mut Complaints) -> bool {
    prune_table(root.get_mut(), &DOCUMENT, span, complaints).is_some()
}

/// From which kind of container the entry was taken.
#[derive(Clone, Copy, PartialEq)]
enum From {
    Table,
    Array,
    Deeper,
}

fn prune_table(
    table: &mut DeTable<'_>,
    own: &Range<usize>,
    span: &Range<usize>,
    complaints: &mut Complaints,
) -> Option<From> {
    for (_, value) in table.iter_mut() {
        if let Some(from) = prune_value(value, span, complaints) {
            if from == From::Array {
                complaints.damage(own.clone());
            }
            return Some(From::Deeper);
        }
    }
    let key = table
        .iter()
        .find(|(key, value)| key.span() == *span || value.span() == *span)?
        .0
        .clone();
    table.remove(key.get_ref().as_ref());
    complaints.damage(own.clone());
    Some(From::Table)
}

fn prune_value(
    value: &mut Spanned<DeValue<'_>>,
    span: &Range<usize>,
    complaints: &mut Complaints,
) -> Option<From> {
    let own = value.span();
    match value.get_mut() {
        DeValue::Table(table) => prune_table(table, &own, span, complaints),
        DeValue::Array(items) => {
            for item in items.iter_mut() {
                if prune_value(item, span, complaints).is_some() {
                    return Some(From::Deeper);
                }
            }
            items.iter().position(|item| item.span() == *span)?;
            *items = mem::replace(items, DeArray::new())
                .into_iter()
                .filter(|item| item.span() != *span)
                .collect();
            complaints.damage(own);
            Some(From::Array)
        }
        _ => None,
    }
}

/// Reading starts over after each error, and nobody repairs more of them at a time.
const MAX_ERRORS: usize = 100;

/// What toml says about a key or a table that is there twice.
const DUPLICATE: &str = "duplicate key";
