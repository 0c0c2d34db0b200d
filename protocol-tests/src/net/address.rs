//! Where a target listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// `unix:/path` or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A unix stream socket.
    Unix(PathBuf),
    /// A name or number, and a port.
    Tcp(String),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        match port {
            Some(Ok(_)) => Ok(Self::Tcp(text.to_owned())),
            _ => Err(format!(
                "`{text}` is not an address: write unix:/path or host:port"
            )),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(text) => f.write_str(text),
        }
    }
}
