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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::sync::Mutex;
    use std::time::{Duration, Instant};
    use std::{io, mem};

    use super::*;
    use crate::net::{Link, Stream, pump};
    use crate::protocol::Protocol;
    use crate::run::Verdict;

    /// A front end that has opened these connections.
    struct Opened(Mutex<Vec<UnixStream>>);

    impl Side for Opened {
        fn default_connection(&self) -> &'static str {
            "client"
        }

        fn scope(&self, scope: &Scope) -> Scope {
            scope.clone()
        }

        fn arrival(&self, _scope: &Scope) -> Option<Connection> {
            let stream = self.0.lock().expect("no panic").pop()?;
            Some(Connection {
                link: Link::new(Stream::unix(stream).expect("a stream"), Vec::new()),
                dialect: Dialect::Requests(Protocol::Scgi),
            })
        }

        fn open(
            &self,
            _name: &str,
            _scope: &Scope,
            _limit: Duration,
            _pump: &mut dyn FnMut(Instant) -> io::Result<()>,
        ) -> Result<Connection, Verdict> {
            Err(Verdict::Error("not in this test".to_owned()))
        }
    }

    #[test]
    fn a_request_is_answered_when_it_is_whole_and_not_before() {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair");
        let side = Opened(Mutex::new(vec![theirs]));
        let (scope, mut connections) = (Scope::new(Protocol::Scgi), BTreeMap::new());
        let mut serving = Serving::default();
        serving.tend(&mut connections, &side, &scope);
        assert!(connections.is_empty(), "nobody asked for it");
        serving.start(b"answer".to_vec());
        ours.write_all(b"24:CONTENT_LENGTH\x001\0SCGI\x001\0,")
            .expect("written");
        let mut look = || {
            serving.tend(&mut connections, &side, &scope);
            let links = connections.values_mut().map(|connection| &mut connection.link);
            pump(
                &mut links.collect::<Vec<_>>(),
                Instant::now() + Duration::from_secs(5),
            )
            .expect("pumped");
            serving.tend(&mut connections, &side, &scope);
        };
        look();
        ours.set_nonblocking(true).expect("set");
        let early = ours.read(&mut [0]).expect_err("no body, no answer");
        assert_eq!(early.kind(), io::ErrorKind::WouldBlock);
        ours.write_all(b"x").expect("written");
        look();
        ours.set_nonblocking(false).expect("set");
        let mut answer = String::new();
        ours.read_to_string(&mut answer).expect("answer and end");
        assert_eq!(answer, "answer");
        assert_eq!(
            mem::take(&mut connections).into_keys().collect::<Vec<_>>(),
            ["backend1"]
        );
    }
}
