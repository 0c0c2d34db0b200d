//! How files are sent: what `files` and `php` say alike.

use std::collections::BTreeMap;

use serde_json::json;

use super::expires::Expires;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::table::{Section, Table};
use crate::config::units::{List, Name, Named, Text, Unit};
use crate::files::{Coding, Expiry};
use crate::protocol::fields::FieldValue;

/// Media types by the endings of names: `{ mjs = "text/javascript" }`.
pub(super) struct Types;

/// `true` for every coding, or an array of them.
pub(super) struct Precompressed;

/// Rules about the time for which files may be kept.
pub(super) struct Rules;

/// A whole media type, with parameters if there are any.
pub(super) const MEDIA_TYPE: Text<String> = Text {
    words: "media type",
    read: media_type,
    show: String::clone,
};

impl Unit<BTreeMap<String, String>> for Types {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<BTreeMap<String, String>> {
        let mut types = BTreeMap::new();
        for (ending, kind) in &node.table(complaints)?.entries {
            if let Some(kind) = MEDIA_TYPE.read(kind, complaints) {
                types.extend(named(ending, complaints).map(|ending| (ending, kind)));
            }
        }
        Some(types)
    }

    fn show(&self, types: &BTreeMap<String, String>) -> Shown {
        let entries = types.iter();
        let entries = entries.map(|(ending, kind)| (ending.clone(), Shown::text(kind)));
        Shown::Table(entries.collect())
    }

    fn form(&self) -> Form {
        Form::Value {
            words: "table of endings with media types".to_owned(),
            schema: json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        }
    }
}

/// The ending as it is compared.
fn named(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let ending = typed.strip_prefix('.').unwrap_or(typed);
    if ending.is_empty() || ending.contains(['.', '/', '*']) {
        complaints
            .error(typed.span(), "not the ending of a name")
            .help("write what is behind the last dot: `webmanifest`");
        return None;
    }
    Some(ending.to_ascii_lowercase())
}

fn media_type(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let kind = typed.split(';').next().unwrap_or_default().trim();
    let is_type = kind
        .split_once('/')
        .is_some_and(|(kind, own)| !kind.is_empty() && !own.is_empty() && !kind.contains([' ', ',']));
    if !is_type || FieldValue::new(typed.as_bytes()).is_none() {
        complaints
            .error(typed.span(), format!("`{}` is no media type", **typed))
            .help("write \"text/javascript\" or \"text/html; charset=utf-8\"");
        return None;
    }
    Some(typed.to_string())
}

impl Unit<Vec<Coding>> for Precompressed {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Vec<Coding>> {
        match &node.value {
            Value::Flag(true) => Some(Coding::ALL.to_vec()),
            Value::Flag(false) => Some(Vec::new()),
            _ => List(Name).read(node, complaints),
        }
    }

    fn show(&self, codings: &Vec<Coding>) -> Shown {
        match codings.as_slice() {
            [] => Shown::plain(false),
            codings if *codings == Coding::ALL => Shown::plain(true),
            _ => List(Name).show(codings),
        }
    }

    fn form(&self) -> Form {
        let names: Vec<_> = Coding::NAMES.iter().map(|(name, _)| name).collect();
        Form::Value {
            words: "`true`, `false` or [`\"br\"`, `\"zstd\"`, `\"gzip\"`]".to_owned(),
            schema: json!({ "anyOf": [
                { "type": "boolean" },
                { "type": "array", "items": { "enum": names } },
            ] }),
        }
    }
}

impl Named for Coding {
    const KIND: &'static str = "content coding";
    const NAMES: &'static [(&'static str, Self)] =
        &[("br", Self::Brotli), ("zstd", Self::Zstd), ("gzip", Self::Gzip)];
}

impl Unit<Vec<Expiry>> for Rules {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Vec<Expiry>> {
        let mut rules = Vec::new();
        for item in node.list(complaints)? {
            let table: Option<Expires> = Section.read(item, complaints);
            match table {
                Some(table) => rules.extend(table.rule(item, complaints)),
                None => complaints.damage(node.span.clone()),
            }
        }
        Some(rules)
    }

    fn show(&self, rules: &Vec<Expiry>) -> Shown {
        Shown::Tables(rules.iter().map(|rule| Expires::shown(rule).show()).collect())
    }

    fn form(&self) -> Form {
        Form::Tables(Expires::layout())
    }
}
