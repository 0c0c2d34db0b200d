//! Gathers connections until the end of a file.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

use super::play::Stream;
use crate::capture::Item;
use crate::decode::{Guess, guess};
use crate::protocol::Protocol;
use crate::trace::{Entry, Event, Origin};

/// Connections in the making.
#[derive(Debug)]
pub struct Collector {
    protocol: Option<Protocol>,
    /// The only one that is wanted.
    only: Option<u32>,
    redacted: bool,
    connections: BTreeMap<u32, Connection>,
    held: usize,
    is_too_much: bool,
}

/// What cases are made of.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What is spoken.
    pub protocol: Protocol,
    /// Whether secrets and bodies are blanked.
    pub redacted: bool,
    pub(super) connections: Vec<Connection>,
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection {
    pub(super) number: u32,
    pub(super) client: Stream,
    pub(super) server: Stream,
    /// What happened, in its order.
    pub(super) events: Vec<Happened>,
    /// Bytes are missing.
    pub(super) is_partial: bool,
}

/// An event; bytes are in the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) from: Origin,
    pub(super) at: Duration,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// So many bytes.
    Bytes(usize),
    Fin,
    Close,
    Reset,
}

/// Why there are no cases.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRecording {
    /// There are too many bytes.
    #[error("there are more than 64 MiB: choose one connection with --connection")]
    TooMuch,
    /// There is none, or not the one that was wanted.
    #[error("there is no such connection")]
    Nothing,
    /// Nobody said what is spoken, and it does not show.
    #[error("what is spoken is not known: say it with --protocol")]
    Protocol,
    /// Cases are about what applications speak.
    #[error("there are no cases of HTTP alone: record between the front end and the application")]
    Http,
}

impl Collector {
    /// Gathers all connections, or one.
    pub fn new(protocol: Option<Protocol>, only: Option<u32>) -> Self {
        Self {
            protocol,
            only,
            redacted: false,
            connections: BTreeMap::new(),
            held: 0,
            is_too_much: false,
        }
    }

    /// Takes something out of a file.
    pub fn hear(&mut self, item: Item) {
        match item {
            Item::Header(header) => {
                self.protocol = self.protocol.or(header.protocol);
                self.redacted = header.redacted;
            }
            Item::Entry(entry) if self.only.is_none_or(|only| only == entry.connection) => self.add(entry),
            Item::Entry(_) | Item::Said(..) | Item::Forgotten(_) => {}
        }
    }

    /// What there is.
    ///
    /// # Errors
    ///
    /// When there is nothing, or too much, or nobody knows what it is.
    pub fn finish(self) -> Result<Recorded, BadRecording> {
        if self.is_too_much {
            return Err(BadRecording::TooMuch);
        }
        let connections: Vec<_> = self.connections.into_values().collect();
        if connections.is_empty() {
            return Err(BadRecording::Nothing);
        }
        let guessed = connections.iter().find_map(Connection::guess);
        Ok(Recorded {
            protocol: self.protocol.or(guessed).ok_or(BadRecording::Protocol)?,
            redacted: self.redacted,
            connections,
        })
    }

    fn add(&mut self, entry: Entry) {
        let number = entry.connection;
        let connection = self.connections.entry(number).or_insert_with(|| Connection {
            number,
            ..Connection::default()
        });
        let what = match entry.event {
            Event::Open | Event::Refused => return,
            Event::Lost(_) => {
                connection.is_partial = true;
                return;
            }
            Event::Fin => What::Fin,
            Event::Close => What::Close,
            Event::Reset => What::Reset,
            Event::Bytes(bytes) => {
                self.held = self.held.saturating_add(bytes.len());
                if self.held > MAX_HELD {
                    self.is_too_much = true;
                    return;
                }
                connection.stream(entry.from).push(entry.at, &bytes);
                What::Bytes(bytes.len())
            }
        };
        connection.events.push(Happened {
            from: entry.from,
            at: entry.at,
            what,
        });
    }
}

impl Connection {
    fn stream(&mut self, origin: Origin) -> &mut Stream {
        match origin {
            Origin::Client => &mut self.client,
            Origin::Server => &mut self.server,
        }
    }

    fn guess(&self) -> Option<Protocol> {
        match guess(self.client.bytes(), Origin::Client) {
            Guess::Is(protocol, _) => Some(protocol),
            Guess::More | Guess::Unknown => None,
        }
    }

    /// Whether the server ended the connection before the client did.
    pub(super) fn is_ended_by_server(&self) -> bool {
        let end = self
            .events
            .iter()
            .find(|event| !matches!(event.what, What::Bytes(_)));
        end.is_some_and(|event| event.from == Origin::Server)
    }
}

const MAX_HELD: usize = 64 << 20; // bytes; what a case may send is not longer either
