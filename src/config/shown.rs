//! Values on their way back into a file.

use std::fmt::{self, Display, Write};

use toml::Value;

use super::env;

/// A value as TOML.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown {
    /// Written out.
    Toml(String),
    /// Never written out.
    Secret,
    /// A table.
    Table(Entries),
    /// Any number of tables: `[[name]]`.
    Tables(Vec<Entries>),
    /// Tables with names: `[name.NAME]`.
    Named(Vec<(String, Entries)>),
}

/// Keys with values, in order.
pub(super) type Entries = Vec<(String, Shown)>;

impl Shown {
    /// What is the same in TOML.
    pub(super) fn plain(value: impl Display) -> Self {
        Self::Toml(value.to_string())
    }

    /// A string, safe from the expansion of environment references.
    pub(super) fn text(text: &str) -> Self {
        Self::Toml(quote(text))
    }

    /// An array.
    pub(super) fn list(items: impl Iterator<Item = Shown>) -> Self {
        let items: Vec<String> = items.map(|item| item.to_string()).collect();
        Self::Toml(format!("[{}]", items.join(", ")))
    }
}

/// On one line.
impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(text) => f.write_str(text),
            Self::Secret => f.write_str("\"\""),
            Self::Table(entries) => inline(entries, f),
            Self::Tables(tables) => {
                f.write_char('[')?;
                for (index, entries) in tables.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    inline(entries, f)?;
                }
                f.write_char(']')
            }
            Self::Named(tables) => {
                let tables = tables.iter().cloned();
                let entries = tables.map(|(name, entries)| (name, Self::Table(entries)));
                inline(&entries.collect(), f)
            }
        }
    }
}

fn inline(entries: &Entries, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('{')?;
    for (index, (key, value)) in entries.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma} {} = {value}", key_text(key))?;
    }
    f.write_str(" }")
}

/// A string as TOML.
fn quote(text: &str) -> String {
    Value::String(env::escape(text)).to_string()
}

/// A key as TOML.
pub(super) fn key_text(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match key.is_empty() || !key.bytes().all(bare) {
        true => Value::String(key.to_owned()).to_string(),
        false => key.to_owned(),
    }
}
