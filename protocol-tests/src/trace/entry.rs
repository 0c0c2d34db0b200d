//! One thing that happened on a connection.

use std::time::Duration;

use crate::protocol::Protocol;

/// What stands before the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What is spoken, if somebody knew.
    pub protocol: Option<Protocol>,
    /// Where the relay listened.
    pub listen: Option<String>,
    /// Where it connected to.
    pub target: Option<String>,
    /// When the clock of the entries began: RFC 3339.
    pub date: Option<String>,
    /// Whether secrets and bodies are blanked.
    pub redacted: bool,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counted from 1.
    pub connection: u32,
    /// Since the date of the header.
    pub at: Duration,
    /// Who did it.
    pub from: Origin,
    /// What it was.
    pub event: Event,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The side that connected: the front end.
    Client,
    /// The side that listens: the application.
    Server,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The client connected, or the server accepted.
    Open,
    /// The server did not accept.
    Refused,
    /// One read.
    Bytes(Vec<u8>),
    /// So many bytes went over the wire that nobody recorded.
    Lost(u64),
    /// Nothing more comes from there; whether it still reads cannot be seen.
    Fin,
    /// It has closed, and does not read any more.
    Close,
    /// It has closed in disorder.
    Reset,
}

impl Origin {
    /// As traces write it.
    pub fn mark(self) -> char {
        match self {
            Self::Client => '>',
            Self::Server => '<',
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    /// The peer.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl Event {
    /// Whether nothing more can come from there.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Refused | Self::Fin | Self::Close | Self::Reset)
    }
}
