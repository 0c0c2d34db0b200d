//! Which requests a route is for: hosts and paths.

use super::pattern::Pattern;

/// A host of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// `shop.example`, in its [canonical](crate::protocol::authority::canonical) spelling.
    Exact(String),
    /// `*.example`: holds `.example`, lower case.
    Suffix(String),
    /// `~ ^www\.(?<domain>.+)$`, matched with the canonical spelling.
    Pattern(Pattern),
}

/// The paths of a route, decoded and in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// `= /a`: this one alone.
    Exact(String),
    /// `/a`: this one and all below it. Starts with a slash and, unless it is `/`, ends without.
    Prefix(String),
    /// `^~ /a`: the same; where it is the longest, no pattern and no suffix is asked.
    FirmPrefix(String),
    /// `~ ^/a`: those that the pattern matches.
    Pattern(Pattern),
    /// `*.php`: those that end so; holds `.php`.
    Suffix(String),
    /// `@app`: none; other routes lead there by this name.
    Named(String),
}

impl Host {
    /// As it is written in the file.
    pub fn to_text(&self) -> String {
        match self {
            Self::Exact(name) => name.clone(),
            Self::Suffix(suffix) => format!("*{suffix}"),
            Self::Pattern(pattern) => pattern.as_str().to_owned(),
        }
    }

    /// The pattern, if it is one.
    pub fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Pattern(pattern) => Some(pattern),
            Self::Exact(_) | Self::Suffix(_) => None,
        }
    }
}

impl Path {
    /// Whether only other routes lead there.
    pub fn is_named(&self) -> bool {
        matches!(self, Self::Named(_))
    }

    /// As it is written in the file.
    pub fn to_text(&self) -> String {
        match self {
            Self::Exact(path) => format!("= {path}"),
            Self::Prefix(path) => path.clone(),
            Self::FirmPrefix(path) => format!("^~ {path}"),
            Self::Pattern(pattern) => pattern.as_str().to_owned(),
            Self::Suffix(suffix) => format!("*{suffix}"),
            Self::Named(name) => format!("@{name}"),
        }
    }

    /// Whether a path is one of them.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(own) => own.as_bytes() == path,
            Self::Prefix(own) | Self::FirmPrefix(own) => {
                is_below(path, own.strip_suffix('/').unwrap_or(own).as_bytes())
            }
            Self::Pattern(pattern) => pattern.is_match(path),
            Self::Suffix(suffix) => path.ends_with(suffix.as_bytes()),
            Self::Named(_) => false,
        }
    }

    /// What all of its paths begin with.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Exact(path) | Self::Prefix(path) | Self::FirmPrefix(path) => path,
            Self::Pattern(_) | Self::Suffix(_) | Self::Named(_) => "/",
        }
    }

    /// The pattern, if it is one.
    pub fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Pattern(pattern) => Some(pattern),
            _ => None,
        }
    }

    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Exact(_) => "an exact path",
            Self::Prefix(_) => "the longest prefix",
            Self::FirmPrefix(_) => "the longest prefix, which asks no pattern (`^~`)",
            Self::Pattern(_) => "a pattern",
            Self::Suffix(_) => "a suffix",
            Self::Named(_) => "a name",
        }
    }
}

/// Everything below the root.
impl Default for Path {
    fn default() -> Self {
        Self::Prefix("/".to_owned())
    }
}

/// Whether a path is `prefix`, which ends without a slash, or below it.
#[inline]
pub(super) fn is_below(path: &[u8], prefix: &[u8]) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}
