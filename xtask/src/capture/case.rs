//! One capture: what is sent, and what must come back.

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
