//! What can be seen of the connections of a case at one moment.

use std::collections::BTreeMap;

use super::Unmet;
use crate::content::Scope;
use crate::net::{Link, Peer};
use crate::protocol::Protocol;
use crate::wire::{self, Answer, Frame, Framing, Record, Style};

/// A connection and what its peer speaks.
#[derive(Debug)]
pub struct Connection {
    /// The bytes.
    pub link: Link,
    /// Their meaning.
    pub dialect: Dialect,
}

/// What a peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// It is a server of the protocol, and sends answers.
    Answers(Protocol),
    /// It is a front end, and sends requests of the protocol to the kit.
    Requests(Protocol),
}

/// All connections of a case, seen from one of them.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    connections: &'a BTreeMap<String, Connection>,
    name: &'a str,
    scope: &'a Scope,
    contacted: bool,
    attempts: usize,
}

impl<'a> Seen<'a> {
    /// The view from the connection `name`.
    pub fn new(connections: &'a BTreeMap<String, Connection>, name: &'a str, scope: &'a Scope) -> Self {
        Self {
            connections,
            name,
            scope,
            contacted: false,
            attempts: 0,
        }
    }

    /// The same, when a connection of the front end waits to be taken.
    #[must_use]
    pub fn contacted(self, contacted: bool) -> Self {
        Self { contacted, ..self }
    }

    /// The same, when the front end has opened so many connections.
    #[must_use]
    pub fn attempts(self, attempts: usize) -> Self {
        Self { attempts, ..self }
    }

    /// How many connections the front end has opened with requests of this play.
    pub(super) fn attempted(&self) -> usize {
        self.attempts
    }

    /// Whether the front end has connected with a request of this play.
    pub(super) fn is_contacted(&self) -> bool {
        let of_frontend = |connection: &Connection| matches!(connection.dialect, Dialect::Requests(_));
        self.contacted || self.connections.values().any(of_frontend)
    }

    /// How many requests of this play the kit has taken from the front end.
    pub(super) fn requests(&self) -> usize {
        let of_frontend = |connection: &&Connection| matches!(connection.dialect, Dialect::Requests(_));
        self.connections.values().filter(of_frontend).count()
    }

    pub(super) fn on(&self, name: &'a str) -> Self {
        Self { name, ..*self }
    }

    pub(super) fn scope(&self) -> &'a Scope {
        self.scope
    }

    fn connection(&self) -> Option<&'a Connection> {
        self.connections.get(self.name)
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.connection()
            .map_or(&[], |connection| connection.link.received())
    }

    pub(super) fn dialect(&self) -> Option<Dialect> {
        self.connection().map(|connection| connection.dialect)
    }

    pub(super) fn peer(&self) -> Peer {
        self.connection()
            .map_or(Peer::Open, |connection| connection.link.peer())
    }

    /// Nothing more can arrive here.
    pub(super) fn is_over(&self) -> bool {
        self.connection()
            .is_some_and(|connection| connection.link.is_over())
    }

    /// A reason that may go away as long as something can arrive.
    pub(super) fn unmet(&self, why: String) -> Unmet {
        if self.is_over() {
            Unmet::Never(why)
        } else {
            Unmet::Yet(why)
        }
    }

    /// The same, when something has arrived that is in the place of what is wanted.
    pub(super) fn otherwise(&self, why: String) -> Unmet {
        if self.is_over() {
            Unmet::Never(why)
        } else {
            Unmet::Otherwise(why)
        }
    }

    pub(super) fn records(&self) -> (Vec<Record<'a>>, &'a [u8]) {
        match self.dialect() {
            Some(Dialect::Answers(Protocol::FastCgi) | Dialect::Requests(Protocol::FastCgi)) => {
                wire::records(self.bytes())
            }
            _ => (Vec::new(), &[]),
        }
    }

    /// Types and ids of the FastCGI records that were sent, as far as those are sound.
    pub(super) fn sent_records(&self) -> Vec<(u8, u16)> {
        let sent = self
            .connection()
            .map_or(&[][..], |connection| connection.link.sent());
        let bytes: Vec<u8> = sent.iter().flat_map(|(_, piece)| piece.iter().copied()).collect();
        wire::records(&bytes)
            .0
            .iter()
            .map(|record| (record.kind, record.id))
            .collect()
    }

    /// Only FastCGI tells answers apart by ids.
    pub(super) fn has_no_ids(&self) -> bool {
        self.dialect() != Some(Dialect::Answers(Protocol::FastCgi))
    }

    /// The HTTP/2 frames so far, if that is what the kit speaks here.
    pub fn frames(&self) -> Option<Vec<Frame<'a>>> {
        let sent = self.connection()?.link.sent();
        let preface = sent.first()?.1.starts_with(PREFACE);
        preface.then(|| wire::frames(self.bytes()))
    }

    /// The answers so far. `bodyless`: they are to HEAD requests.
    pub fn answers(&self, bodyless: bool) -> Vec<Answer> {
        let Some(Dialect::Answers(protocol)) = self.dialect() else {
            return Vec::new();
        };
        let (closed, reset) = (self.is_over(), self.peer() == Peer::Reset);
        let (style, chunked) = match protocol {
            Protocol::FastCgi => return wire::fastcgi_answers(self.bytes(), closed),
            Protocol::Uwsgi => (Style::Either, false),
            Protocol::Scgi => (Style::Cgi, false),
            Protocol::Http => (Style::Http, true),
        };
        wire::http_answers(
            self.bytes(),
            Framing {
                style,
                chunked,
                bodyless,
            },
            closed,
            reset,
        )
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n"; // RFC 9113, section 3.4; a case may get the rest of it wrong
