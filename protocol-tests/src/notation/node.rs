//! A value of a TOML document that knows its place, so that every complaint names a line.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Complaint;
use crate::content::Content;

/// What is known while a document is read.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The name of the file, for complaints.
    pub(crate) file: &'a str,
    /// All of it.
    pub(crate) text: &'a str,
    /// The value that `for` gives a name in this variant of a case.
    pub(crate) binding: Option<(&'a str, &'a str)>,
    /// Contents that `{ use = "NAME" }` may name.
    pub(crate) defined: &'a [(String, Content)],
}

impl<'a> Source<'a> {
    /// A document without anything defined before.
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            binding: None,
            defined: &[],
        }
    }

    /// The document as a table.
    pub(crate) fn parse(&self) -> Result<Spanned<DeTable<'a>>, Complaint> {
        DeTable::parse(self.text)
            .map_err(|error| self.complaint(&error.span().unwrap_or(0..0), error.message()))
    }

    pub(crate) fn complaint(&self, span: &Range<usize>, message: impl Into<String>) -> Complaint {
        Complaint::new(self.file, self.text, span, message)
    }
}

/// A value in its place.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    value: &'a DeValue<'a>,
    span: Range<usize>,
    source: Source<'a>,
}

impl<'a> Node<'a> {
    pub(crate) fn new(value: &'a Spanned<DeValue<'a>>, source: Source<'a>) -> Self {
        Self {
            value: value.get_ref(),
            span: value.span(),
            source,
        }
    }

    pub(crate) fn source(&self) -> &Source<'a> {
        &self.source
    }

    /// A complaint about this value.
    pub(crate) fn complaint(&self, message: impl Into<String>) -> Complaint {
        self.source.complaint(&self.span, message)
    }

    fn unlike(&self, wanted: &str) -> Complaint {
        self.complaint(format!(
            "{wanted} is wanted here, not {}",
            article(self.value.type_str())
        ))
    }

    pub(crate) fn is_string(&self) -> bool {
        self.value.is_str()
    }

    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(crate) fn is_array(&self) -> bool {
        self.value.is_array()
    }

    pub(crate) fn is_integer(&self) -> bool {
        self.value.is_integer()
    }

    /// A string as it stands, references included.
    pub(crate) fn string(&self) -> Result<String, Complaint> {
        self.value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.unlike("a string"))
    }

    /// A name of a fixed set.
    pub(crate) fn one_of<T: Copy>(&self, names: &[(&str, T)]) -> Result<T, Complaint> {
        let name = self.string()?;
        let name = self.bound(&name).unwrap_or(&name);
        let found = names.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            self.complaint(format!("`{name}` is not one of {}", known.join(", ")))
        })
    }

    pub(crate) fn boolean(&self) -> Result<bool, Complaint> {
        self.value.as_bool().ok_or_else(|| self.unlike("true or false"))
    }

    /// A number, or `"${name}"` where `for` gives the name a number.
    pub(crate) fn integer<T: TryFrom<u64>>(&self) -> Result<T, Complaint> {
        let number = match (self.value.as_integer(), self.value.as_str()) {
            (Some(number), _) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            (None, Some(text)) => self.bound(text)?.parse().ok(),
            (None, None) => return Err(self.unlike("a number")),
        };
        let fitting = number.and_then(|number| T::try_from(number).ok());
        fitting.ok_or_else(|| self.complaint("this is not a number in the permitted range"))
    }

    fn bound(&self, text: &str) -> Result<&'a str, Complaint> {
        let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        match (name, self.source.binding) {
            (Some(name), Some((bound, value))) if name == bound => Ok(value),
            _ => Err(self.complaint("a number is wanted here, or \"${name}\" of a name in `for`")),
        }
    }

    /// A text or a number as text; the values of `for`.
    pub(crate) fn scalar(&self) -> Result<String, Complaint> {
        match self.value.is_integer() {
            true => Ok(self.integer::<u64>()?.to_string()),
            false => self.string(),
        }
    }

    /// `"50ms"` or `"2s"`.
    pub(crate) fn duration(&self) -> Result<Duration, Complaint> {
        let text = self.string()?;
        parse_duration(&text).ok_or_else(|| self.complaint("this is not a time: write \"50ms\" or \"2s\""))
    }

    pub(crate) fn items(&self) -> Result<Vec<Node<'a>>, Complaint> {
        let items = self.value.as_array().ok_or_else(|| self.unlike("an array"))?;
        Ok(items.iter().map(|item| Node::new(item, self.source)).collect())
    }

    /// A string, or a list of them.
    pub(crate) fn one_or_more(&self) -> Result<Vec<String>, Complaint> {
        match self.value.as_str() {
            Some(text) => Ok(vec![text.to_owned()]),
            None => self.strings(),
        }
    }

    pub(crate) fn strings(&self) -> Result<Vec<String>, Complaint> {
        self.items()?.iter().map(Node::string).collect()
    }

    pub(crate) fn table(&self) -> Result<Table<'a>, Complaint> {
        let entries = self.value.as_table().ok_or_else(|| self.unlike("a table"))?;
        Ok(Table::new(entries, self.span.clone(), self.source))
    }

    /// Every entry of a table whose keys are free, in the order of the keys.
    pub(crate) fn entries(&self) -> Result<Vec<(String, Node<'a>)>, Complaint> {
        let entries = self.value.as_table().ok_or_else(|| self.unlike("a table"))?;
        let node = |(key, value): (&Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            (key.to_string(), Node::new(value, self.source))
        };
        Ok(entries.iter().map(node).collect())
    }
}

/// A table whose keys are known; what nobody took is an error.
pub(crate) struct Table<'a> {
    entries: &'a DeTable<'a>,
    span: Range<usize>,
    source: Source<'a>,
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(entries: &'a DeTable<'a>, span: Range<usize>, source: Source<'a>) -> Self {
        Self {
            entries,
            span,
            source,
            asked: Vec::new(),
        }
    }

    /// A complaint about the table as a whole.
    pub(crate) fn complaint(&self, message: impl Into<String>) -> Complaint {
        self.source.complaint(&self.span, message)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a key that may be there.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.asked.push(key);
        self.entries.get(key).map(|value| Node::new(value, self.source))
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&mut self, key: &'static str) -> Result<Node<'a>, Complaint> {
        self.take(key)
            .ok_or_else(|| self.complaint(format!("`{key}` is missing")))
    }

    pub(crate) fn string(&mut self, key: &'static str) -> Result<Option<String>, Complaint> {
        self.take(key).map(|node| node.string()).transpose()
    }

    pub(crate) fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, Complaint> {
        self.take(key).map(|node| node.boolean()).transpose()
    }

    pub(crate) fn integer<T: TryFrom<u64>>(&mut self, key: &'static str) -> Result<Option<T>, Complaint> {
        self.take(key).map(|node| node.integer()).transpose()
    }

    pub(crate) fn duration(&mut self, key: &'static str) -> Result<Option<Duration>, Complaint> {
        self.take(key).map(|node| node.duration()).transpose()
    }

    pub(crate) fn strings(&mut self, key: &'static str) -> Result<Vec<String>, Complaint> {
        self.take(key).map_or(Ok(Vec::new()), |node| node.strings())
    }

    /// Complains about keys that nobody asked for.
    pub(crate) fn finish(&self) -> Result<(), Complaint> {
        let stranger = self
            .entries
            .keys()
            .find(|key| !self.asked.contains(&key.get_ref().as_ref()));
        let Some(stranger) = stranger else { return Ok(()) };
        let known = self.asked.join(", ");
        let message = format!("`{}` is not known here; known are: {known}", stranger.get_ref());
        Err(self.source.complaint(&stranger.span(), message))
    }
}

/// A time as cases and command lines write it: a number and `ms` or `s`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(number) => number.parse().ok().map(Duration::from_millis),
        None => text.strip_suffix('s')?.parse().ok().map(Duration::from_secs),
    }
}

fn article(kind: &str) -> String {
    match kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {kind}"),
        false => format!("a {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str, read: impl FnOnce(Table<'_>) -> Result<(), Complaint>) -> String {
        let source = Source::new("x.toml", text);
        let document = source.parse().expect("TOML");
        let table = Table::new(document.get_ref(), document.span(), source);
        read(table).expect_err("a complaint").to_string()
    }

    #[test]
    fn an_unknown_key_is_named_in_its_place() {
        let text = complaint("a = 1\nx = 2\n", |mut table| {
            table.take("a");
            table.finish()
        });
        assert!(
            text.starts_with("x.toml:2:1: `x` is not known here; known are: a\n"),
            "{text}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_says_what_is_wanted() {
        let text = complaint("a = 1\n", |mut table| table.need("a")?.string().map(drop));
        assert!(text.contains("a string is wanted here, not an integer"), "{text}");
        let text = complaint("a = 70000\n", |mut table| {
            table.need("a")?.integer::<u16>().map(drop)
        });
        assert!(text.contains("not a number in the permitted range"), "{text}");
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(parse_duration("50ms"), Some(Duration::from_millis(50)));
        assert_eq!(parse_duration("2s"), Some(Duration::from_secs(2)));
        assert_eq!(parse_duration("2"), None);
    }
}
