//! One capture: what is sent, and what must come back.

use testbed::Kind;

use super::APPS;
use super::request::{self, Request};
use super::server::Server;

/// What a file of `fixtures/wire` is made from.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) server: Server,
    pub(crate) name: &'static str,
    /// The file's comment.
    pub(crate) what: &'static str,
    pub(crate) turns: Vec<Turn>,
    /// The `=` lines, without the sign.
    pub(crate) events: Vec<String>,
}

impl Case {
    pub(crate) fn new(
        server: Server,
        name: &'static str,
        what: &'static str,
        turns: Vec<Turn>,
        events: &[&str],
    ) -> Self {
        let events = events.iter().map(ToString::to_string).collect();
        Self {
            server,
            name,
            what,
            turns,
            events,
        }
    }

    /// The file's path below `fixtures/wire`.
    pub(crate) fn path(&self) -> String {
        format!(
            "{}/{}-{}.txt",
            self.server.protocol(),
            self.server.stem(),
            self.name
        )
    }
}

/// One request, and how far to read its answer.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) request: Vec<u8>,
    pub(crate) until: Until,
}

impl Turn {
    /// A request after whose answer the server closes.
    pub(crate) fn new(server: Server, method: &str, target: &str, body: Option<&[u8]>) -> Self {
        let request = Request {
            method,
            target,
            body,
            keep: false,
            script: &script(server),
        };
        Self {
            request: request.bytes(server),
            until: Until::Eof,
        }
    }

    /// A request that asks to keep the connection.
    pub(crate) fn kept(server: Server, method: &str, target: &str, body: Option<&[u8]>) -> Self {
        let request = Request {
            method,
            target,
            body,
            keep: true,
            script: &script(server),
        };
        let until = if server.protocol() == "fastcgi" {
            Until::Record(END_REQUEST)
        } else {
            Until::Length
        };
        Self {
            request: request.bytes(server),
            until,
        }
    }

    /// A request for a script that is not there.
    pub(crate) fn missing_script(server: Server) -> Self {
        let script = format!("{APPS}/php/missing.php");
        let request = Request {
            method: "GET",
            target: "/missing",
            body: None,
            keep: false,
            script: &script,
        };
        Self {
            request: request.bytes(server),
            until: Until::Eof,
        }
    }

    /// FastCGI's GET_VALUES.
    pub(crate) fn values() -> Self {
        Self {
            request: request::get_values(),
            until: Until::Record(GET_VALUES_RESULT),
        }
    }
}

/// Where an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The server closes the connection.
    Eof,
    /// A FastCGI record of this type has come.
    Record(u8),
    /// A head and the bytes that its Content-Length announces have come; none means no body.
    Length,
}

fn script(server: Server) -> String {
    match server {
        Server::Real(Kind::Fcgiwrap) => format!("{APPS}/cgi/app.pl"),
        Server::Real(_) | Server::Libfcgi => format!("{APPS}/php/index.php"),
    }
}

const END_REQUEST: u8 = 3;
const GET_VALUES_RESULT: u8 = 10;
