//! `expires` of `files` and `php`.

use std::time::Duration;

use super::compress::TYPE;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::node::Node;
use crate::config::table::table;
use crate::config::units::{Flag, Name, Named, OneOrMore, Text, Time};
use crate::files::{Expiry, Since};

table! {
    /// How long clients may keep files without asking again: `Cache-Control` and `Expires`. The first rule counts whose
    /// conditions a file meets; a file that none is for is sent without.
    pub(super) struct Expires for Expiry {
        /// Ends of names, of which one has to be that of the file: `[".css", ".js"]`. Default: any.
        suffix: Vec<String> as OneOrMore(SUFFIX),
        /// Media types, of which one has to be that of the file: `"font/woff2"`, `"image/*"`. Default: any.
        r#type: Vec<String> as OneOrMore(TYPE) => types,
        /// Only files whose names change with their contents, because a tool puts a digest of those into them
        /// (`app.3f2a1c.js`), or that are asked for with a version (`?v=12`, `ver` or `hash`), and no pages of HTML. A name
        /// that may be a word is none: a directory that holds nothing else is better a route of its own, without this.
        hashed: bool as Flag,
        /// How long. `"0s"`: they may be kept, and are asked for each time. Default: required, but with `hashed` a year.
        after: Duration as Time => _,
        /// When the time begins: when the file is sent (`"access"`), or when it was changed (`"modified"`).
        from: Since as Name,
        /// Whether not even a reload asks for them again. Default: as `hashed`.
        immutable: bool as Flag => _,
    }
}

impl Expires {
    /// What was typed at `node`.
    pub(super) fn rule(&self, node: &Node, complaints: &mut Complaints) -> Option<Expiry> {
        let mut rule = Expiry::default();
        self.apply_to(&mut rule);
        rule.immutable = self.immutable.as_deref().copied().unwrap_or(rule.hashed);
        rule.after = match self.after.as_deref() {
            Some(after) => *after,
            None if rule.hashed => YEAR,
            None => {
                if complaints.is_whole(node.span.clone()) {
                    complaints
                        .error(node.span.clone(), "`after` is missing")
                        .help("add after = \"1h\"");
                }
                return None;
            }
        };
        Some(rule)
    }

    /// A rule as it would be typed.
    pub(super) fn shown(rule: &Expiry) -> Self {
        let plain = Self::plain(rule);
        Self {
            suffix: plain.suffix.filter(|suffixes| !suffixes.is_empty()),
            r#type: plain.r#type.filter(|types| !types.is_empty()),
            after: Some(At::nowhere(rule.after)),
            immutable: Some(At::nowhere(rule.immutable)),
            ..plain
        }
    }
}

impl Named for Since {
    const KIND: &'static str = "time to begin with";
    const NAMES: &'static [(&'static str, Self)] = &[("access", Self::Access), ("modified", Self::Modified)];
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const SUFFIX: Text<String> = Text {
    words: "end of a name",
    read: suffix,
    show: String::clone,
};

fn suffix(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    if typed.is_empty() || typed.contains(['/', '*']) {
        complaints
            .error(typed.span(), "not the end of a name")
            .help("write it with its dot: \".css\"");
    }
    Some(typed.to_ascii_lowercase())
}
