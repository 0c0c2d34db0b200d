//! The application that answers by itself: `serve`.

use std::collections::BTreeMap;

use crate::content::Scope;
use crate::expect::{Connection, Dialect};
use crate::side::Side;
use crate::wire::Request;

/// Answers every request of a play with the same bytes, and closes.
#[derive(Debug, Default)]
pub(super) struct Serving {
    answer: Option<Vec<u8>>,
    /// Connections that have not got theirs.
    open: Vec<String>,
    /// Connections so far.
    count: usize,
}

impl Serving {
    /// Begins, or goes on with another answer.
    pub(super) fn start(&mut self, answer: Vec<u8>) {
        self.answer = Some(answer);
    }

    /// Whether requests are answered.
    pub(super) fn is_on(&self) -> bool {
        self.answer.is_some()
    }

    /// Takes what the front end has opened, and answers what is complete. An incomplete request gets nothing, for
    /// a real application would go on reading it.
    pub(super) fn tend(
        &mut self,
        connections: &mut BTreeMap<String, Connection>,
        side: &dyn Side,
        scope: &Scope,
    ) {
        let Some(answer) = &self.answer else { return };
        while self.count < MAX_SERVED
            && let Some(connection) = side.arrival(scope)
        {
            self.count += 1;
            let name = format!("backend{}", self.count);
            self.open.push(name.clone());
            connections.insert(name, connection);
        }
        self.open.retain(|name| match connections.get_mut(name) {
            Some(connection) if is_complete(connection) => {
                connection.link.send(answer);
                connection.link.close_when_sent();
                false
            }
            Some(connection) => !connection.link.is_over(),
            None => false,
        });
    }
}

fn is_complete(connection: &Connection) -> bool {
    match connection.dialect {
        Dialect::Requests(protocol) => Request::parse(protocol, connection.link.received()).complete,
        Dialect::Answers(_) => false,
    }
}

const MAX_SERVED: usize = 100; // requests of one play; a front end that sends more is out of its mind
