//! The protocols that there are cases for.

use std::fmt;
use std::str::FromStr;

/// What is spoken on the application's side, or nothing but HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// FastCGI 1.0.
    FastCgi,
    /// uwsgi.
    Uwsgi,
    /// SCGI.
    Scgi,
    /// Cases about the HTTP side of a front end, whatever is behind it.
    Http,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 4] = [Self::FastCgi, Self::Uwsgi, Self::Scgi, Self::Http];

    /// The name in case files, directories and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::FastCgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|protocol| protocol.name() == name);
        found.ok_or_else(|| format!("`{name}` is not a protocol: fastcgi, uwsgi, scgi or http"))
    }
}
