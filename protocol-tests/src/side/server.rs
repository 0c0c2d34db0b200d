//! The target is an application server: the kit is its client.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Side;
use crate::content::Scope;
use crate::expect::{Connection, Dialect};
use crate::net::{Address, Link, Stream};
use crate::protocol::Protocol;
use crate::run::Verdict;

/// An application server.
#[derive(Debug)]
pub struct Server {
    address: Address,
    protocol: Protocol,
    gone: AtomicBool,
}

impl Server {
    /// A server of `protocol` at `address`.
    pub fn new(address: Address, protocol: Protocol) -> Self {
        Self {
            address,
            protocol,
            gone: AtomicBool::new(false),
        }
    }
}

impl Side for Server {
    fn default_connection(&self) -> &'static str {
        "a"
    }

    fn scope(&self, scope: &Scope) -> Scope {
        scope.clone().with("token", super::token())
    }

    fn look(&self) {
        super::look(&self.address, &self.gone);
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    fn open(
        &self,
        _name: &str,
        _scope: &Scope,
        limit: Duration,
        _pump: &mut dyn FnMut(Instant) -> io::Result<()>,
    ) -> Result<Connection, Verdict> {
        let stream = Stream::connect(&self.address, limit)
            .map_err(|error| super::unreachable(&self.address, &error, &self.gone))?;
        Ok(Connection {
            link: Link::new(stream, Vec::new()),
            dialect: Dialect::Answers(self.protocol),
        })
    }
}
