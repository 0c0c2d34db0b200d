//! The document as a tree: what was typed, and where. Environment references are replaced.

use std::ops::Range;

use super::at::At;
use super::complaints::Complaints;
use super::diagnostic::Diagnostic;
use super::suggest;

/// A value of the document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) value: Value,
    /// A text with what the environment says in it, where variables may stand beside that: dollars of the environment are
    /// doubled. `None`: as the text.
    pub(super) template: Option<String>,
}

/// What was typed.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(Table),
    /// What no setting takes; holds the words for it.
    Other(String),
    /// Complained about already.
    Unusable,
}

/// Keys with values.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// All of it; of a table with a head of its own, the head.
    pub(super) span: Range<usize>,
    pub(super) entries: Vec<(At<String>, Node)>,
}

impl Node {
    /// The text of a value that is to be one.
    pub(super) fn text(&self, expected: &str, complaints: &mut Complaints) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => {
                self.refuse(expected, complaints);
                None
            }
        }
    }

    /// The text of a value that may have variables.
    pub(super) fn template(&self, complaints: &mut Complaints) -> Option<&str> {
        let text = self.text("a string", complaints)?;
        Some(self.template.as_deref().unwrap_or(text))
    }

    /// The elements of a value that is to be an array.
    pub(super) fn list(&self, complaints: &mut Complaints) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            Value::Table(_) => {
                complaints
                    .error(self.span.clone(), "expected an array, found a table")
                    .help("an array of tables is written with two brackets, such as [[route]]");
                None
            }
            _ => {
                self.refuse("an array", complaints);
                None
            }
        }
    }

    /// The keys of a value that is to be a table.
    pub(super) fn table(&self, complaints: &mut Complaints) -> Option<&Table> {
        let help = match &self.value {
            Value::Table(table) => return Some(table),
            Value::List(_) => Some("a table is written with one bracket, such as [server]"),
            Value::Text(_) => Some("a table is written as { key = \"value\" }"),
            _ => None,
        };
        if let (Some(complaint), Some(help)) = (self.refuse("a table", complaints), help) {
            complaint.help(help);
        }
        None
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    /// Complains about a value of another type.
    pub(super) fn refuse<'a>(
        &self,
        expected: &str,
        complaints: &'a mut Complaints,
    ) -> Option<&'a mut Diagnostic> {
        let found = match &self.value {
            // The text may come from the environment and be a secret.
            Value::Text(_) => "a string".to_owned(),
            Value::Integer(number) => format!("integer `{number}`"),
            Value::Flag(flag) => format!("boolean `{flag}`"),
            Value::List(_) => "an array".to_owned(),
            Value::Table(_) => "a table".to_owned(),
            Value::Other(words) => words.clone(),
            Value::Unusable => return None,
        };
        Some(complaints.error(self.span.clone(), format!("expected {expected}, found {found}")))
    }
}

impl Table {
    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let (_, node) = self.entries.iter().find(|(name, _)| name.as_str() == key)?;
        Some(node)
    }

    /// Complains about every key that is not among those that are `known`.
    pub(super) fn refuse_unknown(&self, known: &[&str], complaints: &mut Complaints) {
        for (key, _) in &self.entries {
            if known.contains(&key.as_str()) {
                continue;
            }
            let help = match suggest::nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys here are {}", suggest::list(known.iter().copied())),
            };
            complaints
                .error(key.span(), format!("unknown key `{}`", key.as_str()))
                .help(help);
            complaints.damage(self.span.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Failure, parse};

    /// The first complaint about a file: its message and its help.
    fn complaint(text: &str) -> String {
        let Err(Failure::Invalid(found)) = parse("text", text, &|_| None) else {
            panic!("a file that cannot be used: {text}");
        };
        found[0].render(false)
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest_known_one() {
        let said = complaint("[log]\nacces = 'off'");
        assert!(said.starts_with("error: unknown key `acces`\n"), "{said}");
        assert!(said.contains("help: did you mean `access`?"), "{said}");
        let said = complaint("[log]\nzzz = 1");
        let keys = "help: the keys here are `access`, `access_format`, `escape`, `status`, `sample`, `redact`, `credentials`, \
                    `slow`, `error` and `level`";
        assert!(said.contains(keys), "{said}");
    }

    #[test]
    fn wrong_types_are_named_in_the_words_of_toml() {
        for (text, message) in [
            ("[server]\ntemp_dir = 3", "expected a string, found integer `3`"),
            ("listen = true", "expected an array, found boolean `true`"),
            ("[route]", "expected an array, found a table"),
            ("server = 'x'", "expected a table, found a string"),
            ("[[server]]", "expected a table, found an array"),
            ("server = 1979-05-27", "expected a table, found a date or a time"),
            ("log = 1.5", "expected a table, found floating point `1.5`"),
        ] {
            let said = complaint(text);
            assert!(said.starts_with(&format!("error: {message}\n")), "{said}");
        }
    }

    #[test]
    fn a_number_that_no_computer_holds_is_named() {
        let said = complaint("[server]\nworkers = 99999999999999999999");
        assert!(said.contains("99999999999999999999"), "{said}");
    }
}
