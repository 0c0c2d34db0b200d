//! A text with variables, compiled.

use std::fmt;
use std::str::FromStr;

use super::{Scope, TemplateError, Variable};

/// A text with variables: `$host$uri`, `<${host}>`; two dollars are one. `V`: the variables that it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<V = Variable> {
    text: String,
    parts: Vec<Part<V>>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<V> {
    /// The same for all scopes.
    Text(String),
    /// What the scope says.
    Variable(V),
}

impl<V> Template<V> {
    /// A variable alone.
    pub fn of(variable: V, text: &str) -> Self {
        Self {
            text: text.to_owned(),
            parts: vec![Part::Variable(variable)],
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its pieces, in their order.
    pub fn parts(&self) -> &[Part<V>] {
        &self.parts
    }

    /// Whether its text is the same for all scopes.
    pub fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The text, if it is the same for all scopes.
    pub fn constant(&self) -> Option<String> {
        let text = |part: &Part<V>| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Variable(_) => None,
        };
        self.parts.iter().map(text).collect()
    }
}

impl Template {
    /// The template that a text is, in which the variables of these names, too, may be: what the patterns of a route take
    /// out of a request.
    pub fn with_captures(text: &str, names: &[String]) -> Result<Self, TemplateError> {
        Ok(Self {
            text: text.to_owned(),
            parts: parts(text, |name| variable(name, names))?,
        })
    }

    /// The same, of a text in which a dollar that begins the name of no variable stands for itself.
    pub fn lenient(text: &str, names: &[String]) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (literal, tail) = rest.split_at(at);
            let tail = &tail[1..];
            let read = match tail.strip_prefix('$') {
                Some(tail) => Some((Part::Text("$".to_owned()), tail)),
                None => name(tail)
                    .and_then(|(name, tail)| Ok((Part::Variable(variable(name, names)?), tail)))
                    .ok(),
            };
            let (part, tail) = read.unwrap_or_else(|| (Part::Text("$".to_owned()), tail));
            parts.extend([Part::Text(literal.to_owned()), part]);
            rest = tail;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        Self {
            text: text.to_owned(),
            parts,
        }
    }

    /// Gives the text with the values of this scope to `sink`, piece by piece.
    pub fn write(&self, scope: &impl Scope, sink: &mut dyn FnMut(&[u8])) {
        for part in &self.parts {
            match part {
                Part::Text(text) => sink(text.as_bytes()),
                Part::Variable(variable) => scope.write(variable, sink),
            }
        }
    }
}

/// No text.
impl<V> Default for Template<V> {
    fn default() -> Self {
        Self {
            text: String::new(),
            parts: Vec::new(),
        }
    }
}

impl<V: FromStr<Err = TemplateError>> FromStr for Template<V> {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            text: text.to_owned(),
            parts: parts(text, str::parse)?,
        })
    }
}

/// As it was written.
impl<V> fmt::Display for Template<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A variable of requests, or one of the names that patterns give.
fn variable(name: &str, names: &[String]) -> Result<Variable, TemplateError> {
    match name.parse() {
        Err(TemplateError::Unknown(_)) if names.iter().any(|known| known == name) => {
            Ok(Variable::Capture(name.to_owned()))
        }
        parsed => parsed,
    }
}

fn parts<V>(
    text: &str,
    variable: impl Fn(&str) -> Result<V, TemplateError>,
) -> Result<Vec<Part<V>>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (literal, tail) = rest.split_at(rest.find('$').unwrap_or(rest.len()));
        if !literal.is_empty() {
            parts.push(Part::Text(literal.to_owned()));
        }
        rest = match tail.strip_prefix('$') {
            None => tail,
            Some(tail) if tail.starts_with('$') => {
                parts.push(Part::Text("$".to_owned()));
                &tail[1..]
            }
            Some(tail) => {
                let (name, tail) = name(tail)?;
                parts.push(Part::Variable(variable(name)?));
                tail
            }
        };
    }
    Ok(parts)
}

/// The name behind a dollar, in braces or not, and the rest.
fn name(text: &str) -> Result<(&str, &str), TemplateError> {
    let (name, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or(TemplateError::Dollar)?,
        None => {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            text.split_at(text.find(|c| !plain(c)).unwrap_or(text.len()))
        }
    };
    if name.is_empty() {
        return Err(TemplateError::Dollar);
    }
    Ok((name, rest))
}
