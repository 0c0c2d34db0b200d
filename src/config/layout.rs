//! What a table declares, as data: for the reference page and the JSON Schema.

use serde_json::Value as Json;

/// A table and its keys.
pub(super) struct Layout {
    /// The name of its type, unique.
    pub(super) name: &'static str,
    /// What it is about.
    pub(super) doc: &'static str,
    /// TOML that shows it; may be empty.
    pub(super) example: &'static str,
    /// In the order of the declaration.
    pub(super) keys: Vec<Key>,
}

/// A key of a table.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it says, without its default.
    pub(super) doc: String,
    pub(super) form: Form,
    /// What holds without the key; of a table, what is said about that.
    pub(super) default: Option<Default>,
    /// Has an effect with these only: protocols, or kinds of checks. Empty: always.
    pub(super) only: &'static [&'static str],
}

/// What holds without a key.
pub(super) enum Default {
    /// A value, as TOML.
    Value(String),
    /// Something in words.
    Words(String),
    /// The key cannot be left out.
    Required,
}

/// What a value looks like.
pub(super) enum Form {
    /// A value.
    Value {
        /// In words.
        words: String,
        /// As JSON Schema.
        schema: Json,
    },
    /// A table.
    Table(Layout),
    /// `true`, `false` or a table.
    Switch(Layout),
    /// Any number of tables: `[[name]]`.
    Tables(Layout),
    /// Tables with names: `[name.NAME]`.
    Named(Layout),
}

impl Key {
    /// A key whose documentation may end with its default, when that is no value: `Default: every host.`, or with
    /// `Required.` A key of a table that says nothing about it is documented by the table.
    pub(super) fn new(
        name: &'static str,
        doc: &str,
        form: Form,
        default: Option<String>,
        only: &'static [&'static str],
    ) -> Self {
        let doc = doc.trim();
        let (doc, said) = match doc.split_once("Default: ") {
            Some((doc, said)) => (doc, Some(Default::Words(said.trim_end_matches('.').to_owned()))),
            None => match doc.strip_suffix("Required.") {
                Some(doc) => (doc, Some(Default::Required)),
                None => (doc, None),
            },
        };
        let is_value = matches!(form, Form::Value { .. });
        let default = default.filter(|_| is_value).map(Default::Value);
        Self {
            name: plain(name),
            doc: match doc.trim_end() {
                "" => form.doc().to_owned(),
                doc => doc.to_owned(),
            },
            form,
            default: said.or(default),
            only,
        }
    }
}

impl Layout {
    /// What the value of a key looks like.
    pub(super) fn form(&self, key: &str) -> Option<&Form> {
        let key = self.keys.iter().find(|known| known.name == key)?;
        Some(&key.form)
    }
}

impl Form {
    /// The layout of a table.
    pub(super) fn layout(&self) -> Option<&Layout> {
        match self {
            Self::Table(layout) | Self::Switch(layout) => Some(layout),
            Self::Value { .. } | Self::Tables(_) | Self::Named(_) => None,
        }
    }

    /// Whether a value stands for an array of it alone.
    pub(super) fn is_one_or_more(&self) -> bool {
        let Self::Value { schema, .. } = self else {
            return false;
        };
        let forms = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
        forms
            .iter()
            .any(|form| !form["items"].is_null() && forms.contains(&form["items"]))
    }

    /// What a table says about itself.
    fn doc(&self) -> &'static str {
        match self {
            Self::Value { .. } => "",
            Self::Table(layout) | Self::Switch(layout) | Self::Tables(layout) | Self::Named(layout) => {
                layout.doc
            }
        }
    }
}

/// The name of a key that is a word of Rust, too: `r#use`.
pub(super) fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}
