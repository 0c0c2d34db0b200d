//! Regular expressions of the configuration: compiled when it is loaded, matched in time linear in the text.
//!
//! Paths and fields are bytes, and a pattern is to match those that are no UTF-8, too: a rule that keeps something from
//! clients must not be led past by an odd byte. `regex-lite` knows strings alone.

use std::fmt;

use bytes::Bytes;
use regex::bytes::{Regex, RegexBuilder};

use crate::protocol::captures::Captures;

/// `~ ^/blog/(?<year>[0-9]+)`, or `~* \.(jpg|png)$` for any case of letters.
#[derive(Clone)]
pub struct Pattern {
    /// With its tilde.
    text: String,
    regex: Regex,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// More bytes than [`Pattern::LONGEST`].
    #[error("pattern of more than {} bytes", Pattern::LONGEST)]
    TooLong,
    /// Compiled it would take more than [`Pattern::COMPILED`].
    #[error("pattern that takes more than {} KiB when it is compiled", Pattern::COMPILED / 1024)]
    TooLarge,
    /// Not in the language of the `regex` crate: which has no look-around and no back-references.
    #[error("not a pattern: {0}")]
    Syntax(String),
}

impl Pattern {
    /// Bytes of the longest pattern.
    pub const LONGEST: usize = 1024;
    /// Bytes that a compiled pattern may take.
    pub const COMPILED: usize = 256 * 1024;
    /// Patterns in one configuration.
    pub const MOST: usize = 500;

    /// The pattern behind a tilde; `None` for a text without one, which is no pattern.
    pub fn new(text: &str) -> Option<Result<Self, PatternError>> {
        let rest = text.strip_prefix('~')?;
        let (any_case, pattern) = match rest.strip_prefix('*') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, rest.trim_start()),
        };
        Some(Self::compile(text, pattern, any_case))
    }

    fn compile(text: &str, pattern: &str, any_case: bool) -> Result<Self, PatternError> {
        if pattern.len() > Self::LONGEST {
            return Err(PatternError::TooLong);
        }
        let built = RegexBuilder::new(pattern)
            .unicode(false)
            .case_insensitive(any_case)
            .size_limit(Self::COMPILED)
            .build();
        match built {
            Ok(regex) => Ok(Self {
                text: text.to_owned(),
                regex,
            }),
            Err(regex::Error::CompiledTooBig(_)) => Err(PatternError::TooLarge),
            Err(error) => Err(PatternError::Syntax(last_line(&error.to_string()))),
        }
    }

    /// As it was written, with its tilde.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether some of `text` is as it says.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// The names of what it takes out of a text: numbers from 1 on, and names where it gives some.
    pub fn names(&self) -> Vec<String> {
        let groups = self.regex.capture_names().enumerate().skip(1);
        let names = groups.map(|(number, name)| [Some(number.to_string()), name.map(str::to_owned)]);
        names.flatten().flatten().collect()
    }

    /// Takes them out of a text; nothing where it does not match.
    pub fn captures(&self, text: &Bytes, captures: &mut Captures) {
        let Some(found) = self.regex.captures(text) else {
            return;
        };
        for (number, name) in self.regex.capture_names().enumerate().skip(1) {
            let Some(group) = found.get(number) else { continue };
            let value = text.slice(group.range());
            if let Some(name) = name {
                captures.set(name, value.clone());
            }
            captures.set(&number.to_string(), value);
        }
    }
}

/// Patterns are what was written.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// What the crate says about a mistake, without the drawing above it.
fn last_line(error: &str) -> String {
    let line = error.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text).unwrap().unwrap()
    }

    #[test]
    fn a_tilde_makes_a_pattern_and_a_star_forgets_case() {
        assert!(Pattern::new("/a").is_none());
        assert!(pattern(r"~ \.php$").is_match(b"/a.php") && !pattern(r"~ \.php$").is_match(b"/a.PHP"));
        assert!(pattern(r"~* \.php$").is_match(b"/a.PHP"));
        assert!(pattern(r"~\.php$").is_match(b"/\xff.php"), "what is no UTF-8");
    }

    #[test]
    fn groups_have_numbers_and_names() {
        let blog = pattern("~ ^/(?<year>[0-9]+)/([^/]*)(/x)?");
        assert_eq!(blog.names(), ["1", "year", "2", "3"]);
        let mut captures = Captures::default();
        blog.captures(&Bytes::from_static(b"/2026/post"), &mut captures);
        for (name, value) in [("1", "2026"), ("year", "2026"), ("2", "post")] {
            assert_eq!(captures.get(name), Some(value.as_bytes()), "{name}");
        }
        assert_eq!(captures.get("3"), None, "a group that took no part");
    }

    #[test]
    fn what_is_too_large_or_no_pattern_is_refused() {
        let error = |text: &str| Pattern::new(text).unwrap().unwrap_err();
        assert_eq!(
            error(&format!("~ {}", "a".repeat(Pattern::LONGEST + 1))),
            PatternError::TooLong
        );
        assert_eq!(error("~ (a{1000}){1000}"), PatternError::TooLarge);
        for text in ["~ (", "~ (?!a)", r"~ (a)\1"] {
            assert!(matches!(error(text), PatternError::Syntax(_)), "{text}");
        }
    }
}
