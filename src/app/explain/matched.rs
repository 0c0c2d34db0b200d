//! A route, as an explanation names it.

use std::path::PathBuf;

use serde::Serialize;

use crate::frontend::config::{self, DocumentRoot, Host, When};

/// The route that was found.
#[derive(Debug, Serialize)]
pub(super) struct Matched {
    pub(super) host: Option<String>,
    pub(super) path: String,
    /// What an alias stands for.
    #[serde(skip)]
    pub(super) prefix: String,
    /// What else it asks, by its keys.
    pub(super) when: Vec<&'static str>,
    pub(super) handler: &'static str,
    /// The directory of a handler that has one, where the whole path is looked up.
    pub(super) root: Option<String>,
    /// The directory of a handler that has one, where it stands for the path of the route.
    pub(super) alias: Option<String>,
}

impl Matched {
    pub(super) fn rule(config: &config::Route) -> Self {
        let (root, alias) = match config.handler.root() {
            Some((DocumentRoot::Root(root), _)) => (Some(root), None),
            Some((DocumentRoot::Alias(alias), _)) => (None, Some(alias)),
            None => (None, None),
        };
        let text = |path: &PathBuf| path.display().to_string();
        let hosts: Vec<String> = config.host.iter().map(Host::to_text).collect();
        Self {
            host: (!hosts.is_empty()).then(|| hosts.join(", ")),
            path: config.path.to_text(),
            prefix: config.path.prefix().to_owned(),
            when: conditions(&config.when),
            handler: config.handler.name(),
            root: root.map(text),
            alias: alias.map(text),
        }
    }
}

/// The keys of the conditions that there are.
fn conditions(when: &When) -> Vec<&'static str> {
    let keys = [
        ("method", !when.method.is_empty()),
        ("from", !when.from.is_empty()),
        ("header", !when.header.is_empty()),
        ("query", !when.query.is_empty()),
        ("cookie", !when.cookie.is_empty()),
        ("secure", when.secure.is_some()),
        ("port", !when.port.is_empty()),
    ];
    keys.into_iter()
        .filter_map(|(key, asked)| asked.then_some(key))
        .collect()
}
