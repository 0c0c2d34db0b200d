//! Where the settings of a configuration stand in its file.

use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Severity};
use super::node::{Node, Table, Value};
use super::source::Source;

/// A file that was read, for what turns out later to be wrong with its settings.
#[derive(Clone, Debug)]
pub struct Places {
    source: Arc<Source>,
    document: Table,
}

impl Places {
    pub(super) fn new(source: Arc<Source>, document: Table) -> Self {
        Self { source, document }
    }

    /// A warning about the setting that `keys` lead to, tables of an array by their numbers. It names the place as far as
    /// they lead: a setting that is not in the file has that of its table.
    pub fn warning(&self, keys: &[String], message: impl Into<String>) -> Diagnostic {
        let span = self.find(keys);
        Diagnostic::new(self.source.clone(), Severity::Warning, span, message.into())
    }

    fn find(&self, keys: &[String]) -> Option<Range<usize>> {
        let (first, rest) = keys.split_first()?;
        let mut node = self.document.get(first)?;
        for key in rest {
            match inner(node, key) {
                Some(inner) => node = inner,
                None => break,
            }
        }
        Some(node.span.clone())
    }
}

fn inner<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Table(table) => table.get(key),
        Value::List(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_with_places;

    const TEXT: &str = "[server]\nworkers = 2\n[[listen]]\naddress = \"127.0.0.1:1\"\n[[route]]\nrespond = {}\n\
                        [[route]]\npath = \"/a\"\nfiles = { alias = \"/srv\" }\n";

    #[test]
    fn a_setting_has_its_line_and_what_is_not_there_that_of_its_table() {
        let places = parse_with_places("site.toml", TEXT, &|_| None).unwrap().places;
        for (keys, line) in [
            (&["server", "workers"][..], "site.toml:2:11"),
            (&["server", "temp_dir"], "site.toml:1:1"),
            (&["route", "1", "files", "alias"], "site.toml:9:19"),
            (&["route", "1", "files", "index"], "site.toml:9:9"),
            (&["route", "0", "files", "alias"], "site.toml:5:1"),
            (&["log", "access"], "site.toml\n"),
        ] {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            let said = places.warning(&keys, "odd").render(false);
            assert!(said.starts_with("warning: odd\n"), "{said}");
            assert!(said.contains(&format!("--> {line}")), "{keys:?}: {said}");
        }
    }
}
