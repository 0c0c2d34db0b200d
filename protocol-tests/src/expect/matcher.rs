//! What bytes must be like.

use crate::content::{Content, Missing, Scope};
use crate::notation::{Complaint, Node};

/// Conditions on bytes; all that are given must hold.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    equals: Option<Content>,
    starts: Option<Content>,
    ends: Option<Content>,
    contains: Option<Content>,
    lacks: Option<Content>,
    one_of: Option<Vec<Content>>,
    length: Option<usize>,
    min: Option<usize>,
    max: Option<usize>,
    absent: bool,
    present: bool,
    /// Only 0-9, and at least one.
    digits: bool,
    /// There may be no such name.
    optional: bool,
    fields: Option<Vec<Matcher>>,
}

impl Matcher {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        if node.is_integer() {
            return Ok(Self {
                equals: Some(Content::Text(node.scalar()?)),
                ..Self::default()
            });
        }
        if !node.is_table() || is_content(node)? {
            return Ok(Self {
                equals: Some(Content::read(node)?),
                ..Self::default()
            });
        }
        let mut table = node.table()?;
        let mut content = |key| table.take(key).map(|node| Content::read(&node)).transpose();
        let mut matcher = Self {
            equals: content("equals")?,
            starts: content("starts")?,
            ends: content("ends")?,
            contains: content("contains")?,
            lacks: content("lacks")?,
            ..Self::default()
        };
        matcher.one_of = table
            .take("one_of")
            .map(|node| list(&node, Content::read))
            .transpose()?;
        matcher.fields = table
            .take("fields")
            .map(|node| list(&node, Self::read))
            .transpose()?;
        matcher.length = table.integer("length")?;
        matcher.min = table.integer("min")?;
        matcher.max = table.integer("max")?;
        matcher.absent = table.boolean("absent")?.unwrap_or_default();
        matcher.present = table.boolean("present")?.unwrap_or_default();
        matcher.digits = table.boolean("digits")?.unwrap_or_default();
        matcher.optional = table.boolean("optional")?.unwrap_or_default();
        table.finish()?;
        Ok(matcher)
    }

    /// Whether one value is like this; else why not.
    pub(crate) fn check(&self, value: &[u8], scope: &Scope) -> Result<(), String> {
        self.check_content(value, scope)
            .map_err(|missing| missing.to_string())??;
        if self.digits && (value.is_empty() || !value.iter().all(u8::is_ascii_digit)) {
            return Err(format!("no number: {}", show(value)));
        }
        let length = value.len();
        let wrong = self.length.is_some_and(|wanted| length != wanted)
            || self.min.is_some_and(|min| length < min)
            || self.max.is_some_and(|max| length > max);
        if wrong {
            Err(format!("{length} bytes: {}", show(value)))
        } else {
            Ok(())
        }
    }

    /// Whether all values of a name are like this.
    pub(crate) fn check_all(&self, name: &str, values: &[&[u8]], scope: &Scope) -> Result<(), String> {
        let fail = |why: String| Err(format!("{name}: {why}"));
        if self.absent {
            return if values.is_empty() {
                Ok(())
            } else {
                fail(format!("is there: {}", show(values[0])))
            };
        }
        if let Some(fields) = &self.fields {
            if fields.len() != values.len() {
                return fail(format!("is there {} times, not {}", values.len(), fields.len()));
            }
            let mut pairs = fields.iter().zip(values);
            return pairs
                .try_for_each(|(field, value)| field.check(value, scope))
                .or_else(fail);
        }
        match values {
            [] if self.optional => Ok(()),
            [] => fail("is missing".to_owned()),
            [value] => self.check(value, scope).or_else(fail),
            _ if self.present => Ok(()),
            _ => fail(format!("is there {} times", values.len())),
        }
    }

    fn check_content(&self, value: &[u8], scope: &Scope) -> Result<Result<(), String>, Missing> {
        let is = |wanted: &Option<Content>, test: &dyn Fn(&[u8]) -> bool| match wanted {
            Some(content) => content.encode(scope).map(|bytes| test(&bytes)),
            None => Ok(true),
        };
        let kept = is(&self.equals, &|wanted| value == wanted)?
            && is(&self.starts, &|wanted| value.starts_with(wanted))?
            && is(&self.ends, &|wanted| value.ends_with(wanted))?
            && is(&self.contains, &|wanted| contains(value, wanted))?
            && is(&self.lacks, &|wanted| !contains(value, wanted))?
            && self.is_one_of(value, scope)?;
        Ok(if kept { Ok(()) } else { Err(show(value)) })
    }

    fn is_one_of(&self, value: &[u8], scope: &Scope) -> Result<bool, Missing> {
        let Some(choices) = &self.one_of else {
            return Ok(true);
        };
        for choice in choices {
            if choice.encode(scope)? == value {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a table is bytes to be equal to, and no conditions.
fn is_content(node: &Node<'_>) -> Result<bool, Complaint> {
    let table = node.table()?;
    Ok(["hex", "fill", "ramp", "use", "lines", "pairs"]
        .iter()
        .any(|key| table.has(key)))
}

fn list<T>(node: &Node<'_>, read: impl Fn(&Node<'_>) -> Result<T, Complaint>) -> Result<Vec<T>, Complaint> {
    node.items()?.iter().map(read).collect()
}

pub(super) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window == needle)
}

/// The start of a value, readable on one line.
pub(crate) fn show(value: &[u8]) -> String {
    let shown = value.get(..SHOWN).unwrap_or(value).escape_ascii();
    match value.len() > SHOWN {
        true => format!("\"{shown}\"… ({} bytes)", value.len()),
        false => format!("\"{shown}\""),
    }
}

const SHOWN: usize = 60; // bytes of a value in a report

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::{Source, Table};
    use crate::protocol::Protocol;

    fn check(matcher: &str, values: &[&[u8]]) -> Result<(), String> {
        let text = format!("x = {matcher}");
        let source = Source::new("x", &text);
        let document = source.parse().expect("TOML");
        let mut table = Table::new(document.get_ref(), document.span(), source);
        let matcher = Matcher::read(&table.need("x").expect("x")).expect("a matcher");
        matcher.check_all("A", values, &Scope::new(Protocol::Http))
    }

    #[test]
    fn one_value_is_compared() {
        assert_eq!(check(r#""b""#, &[b"b"]), Ok(()));
        assert_eq!(check("7", &[b"7"]), Ok(()));
        assert_eq!(check(r#""b""#, &[b"c\n"]), Err("A: \"c\\n\"".to_owned()));
        assert_eq!(check(r#"{ contains = "b", max = 3 }"#, &[b"abc"]), Ok(()));
        assert!(check(r#"{ contains = "b", max = 2 }"#, &[b"abc"]).is_err());
        assert!(check(r#"{ lacks = "b" }"#, &[b"abc"]).is_err());
        assert_eq!(check(r#"{ one_of = ["a", "b"] }"#, &[b"b"]), Ok(()));
        assert_eq!(check("{ digits = true }", &[b"012"]), Ok(()));
        assert!(check("{ digits = true }", &[b"1a"]).is_err() && check("{ digits = true }", &[b""]).is_err());
    }

    #[test]
    fn names_are_there_once_unless_something_else_is_said() {
        assert_eq!(check(r#""b""#, &[]), Err("A: is missing".to_owned()));
        assert_eq!(
            check(r#""b""#, &[b"b", b"b"]),
            Err("A: is there 2 times".to_owned())
        );
        assert_eq!(check(r#"{ fields = ["b", { min = 1 }] }"#, &[b"b", b"c"]), Ok(()));
        assert_eq!(check("{ absent = true }", &[]), Ok(()));
        assert_eq!(check("{ digits = true, optional = true }", &[]), Ok(()));
        assert!(check("{ digits = true, optional = true }", &[b"x"]).is_err());
        assert!(check("{ absent = true }", &[b"x"]).is_err());
        assert_eq!(check("{ present = true }", &[b"x", b"y"]), Ok(()));
    }
}
