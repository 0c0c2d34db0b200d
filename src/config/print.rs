//! [`Config`] back to file text: every key with the value in effect.
//!
//! What is printed, read again, gives the same `Config`. Values of environment variables are written out, except for
//! secrets: each of those becomes a reference to an environment variable that is named after its place.

use std::collections::HashSet;
use std::fmt::Write;

use super::shown::{Entries, Shown, key_text};
use super::table::Table;
use super::{Config, tables};

/// The effective configuration as TOML.
pub fn print(config: &Config) -> String {
    let mut entries = tables::shown(config).show();
    let mut secrets = Secrets::default();
    for (name, shown) in &mut entries {
        secrets.conceal(name, shown);
    }
    let blocks = entries.iter().flat_map(|(name, shown)| blocks(name, shown));
    let text: Vec<String> = secrets.note().into_iter().chain(blocks).collect();
    text.join("\n")
}

/// The tables under a name of the top level.
fn blocks(name: &str, shown: &Shown) -> Vec<String> {
    match shown {
        Shown::Table(entries) => vec![block(&format!("[{name}]"), entries)],
        Shown::Tables(tables) => {
            let head = format!("[[{name}]]");
            tables.iter().map(|entries| block(&head, entries)).collect()
        }
        Shown::Named(tables) => tables
            .iter()
            .map(|(key, entries)| block(&format!("[{name}.{}]", key_text(key)), entries))
            .collect(),
        Shown::Toml(_) | Shown::Secret => vec![format!("{name} = {shown}\n")],
    }
}

fn block(head: &str, entries: &Entries) -> String {
    let mut text = format!("{head}\n");
    for (key, value) in entries {
        writeln!(text, "{} = {value}", key_text(key)).expect("writing to a String cannot fail");
    }
    text
}

/// The names of the variables that stand for secrets.
#[derive(Default)]
struct Secrets {
    names: Vec<String>,
    known: HashSet<String>,
}

impl Secrets {
    /// Replaces the secrets at `path` and below.
    fn conceal(&mut self, path: &str, shown: &mut Shown) {
        match shown {
            Shown::Toml(_) => {}
            Shown::Secret => *shown = Shown::Toml(format!("\"${{{}}}\"", self.name(path))),
            Shown::Table(entries) => self.conceal_all(path, entries),
            Shown::Tables(tables) => {
                for (index, entries) in tables.iter_mut().enumerate() {
                    self.conceal_all(&format!("{path}_{}", index + 1), entries);
                }
            }
            Shown::Named(tables) => {
                for (name, entries) in tables {
                    self.conceal_all(&format!("{path}_{name}"), entries);
                }
            }
        }
    }

    fn conceal_all(&mut self, path: &str, entries: &mut Entries) {
        for (key, shown) in entries {
            self.conceal(&format!("{path}_{key}"), shown);
        }
    }

    /// A name of its own for the secret at `path`.
    fn name(&mut self, path: &str) -> String {
        let plain = |c: char| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_uppercase(),
            false => '_',
        };
        let mut name: String = path.chars().map(plain).collect();
        while !self.known.insert(name.clone()) {
            name.push('_');
        }
        self.names.push(name.clone());
        name
    }

    /// What to do before the text can be used.
    fn note(&self) -> Option<String> {
        let names = self.names.join(", ");
        (!self.names.is_empty())
            .then(|| format!("# Secrets are not shown. To use this file, set in the environment: {names}\n"))
    }
}
