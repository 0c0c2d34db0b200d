//! The target is an HTTP front end: the kit is its client and its application.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Side, arrivals::Arrivals};
use crate::content::Scope;
use crate::expect::{Connection, Dialect};
use crate::net::{Address, Link, SocketFile, Stream};
use crate::protocol::Protocol;
use crate::run::Verdict;

/// A front end that passes what it gets at a URL on to the kit.
#[derive(Debug)]
pub struct Frontend {
    /// Where it takes HTTP.
    address: Address,
    /// The path that it passes on, with a slash at its end.
    base: String,
    protocol: Protocol,
    arrivals: Arc<Arrivals>,
    gone: AtomicBool,
    /// Removed with this.
    _file: Option<SocketFile>,
}

impl Frontend {
    /// Listens at `listen`, for a front end that takes `http://host:port/base/`.
    ///
    /// # Errors
    ///
    /// When the URL cannot be used, and when the system does not let us listen.
    pub fn new(listen: &Address, protocol: Protocol, url: &str) -> io::Result<Self> {
        let (address, base) = Address::of_url(url).map_err(io::Error::other)?;
        let (arrivals, file) = Arrivals::listen(listen)?;
        Ok(Self {
            address,
            base: if base.ends_with('/') {
                base
            } else {
                format!("{base}/")
            },
            protocol,
            arrivals,
            gone: AtomicBool::new(false),
            _file: file,
        })
    }

    fn connect(&self, limit: Duration) -> Result<Connection, Verdict> {
        let stream = Stream::connect(&self.address, limit)
            .map_err(|error| super::unreachable(&self.address, &error, &self.gone))?;
        Ok(Connection {
            link: Link::new(stream, Vec::new()),
            dialect: Dialect::Answers(Protocol::Http),
        })
    }
}

impl Side for Frontend {
    fn default_connection(&self) -> &'static str {
        "client"
    }

    fn scope(&self, scope: &Scope) -> Scope {
        let token = super::token();
        self.arrivals.expect(&token);
        let host = self.address.to_string();
        let port = host.rsplit_once(':').map_or("", |(_, port)| port).to_owned();
        let mut scope = scope.clone().with("token", token).with("base", &self.base);
        // A front end that is the same below every path needs no more than its URL.
        for name in SPECIAL_PATHS {
            if !scope.values.contains_key(name) {
                scope = scope.with(name, &self.base);
            }
        }
        scope.with("host", host).with("port", port)
    }

    fn arrival(&self, scope: &Scope) -> Option<Connection> {
        let (stream, received) = self.arrivals.take(scope.values.get("token")?)?;
        Some(Connection {
            link: Link::new(stream, received),
            dialect: Dialect::Requests(self.protocol),
        })
    }

    fn contacted(&self, scope: &Scope) -> bool {
        scope
            .values
            .get("token")
            .is_some_and(|token| self.arrivals.has(token))
    }

    fn attempts(&self, scope: &Scope) -> usize {
        let token = scope.values.get("token");
        token.map_or(0, |token| self.arrivals.attempts(token))
    }

    fn refuse(&self, scope: &Scope) {
        if let Some(token) = scope.values.get("token") {
            self.arrivals.refuse(token);
        }
    }

    fn deny(&self, scope: &Scope) {
        if let Some(token) = scope.values.get("token") {
            self.arrivals.deny(token);
        }
    }

    fn finish(&self, scope: &Scope) {
        if let Some(token) = scope.values.get("token") {
            self.arrivals.forget(token);
        }
    }

    fn look(&self) {
        super::look(&self.address, &self.gone);
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    fn open(
        &self,
        name: &str,
        scope: &Scope,
        limit: Duration,
        pump: &mut dyn FnMut(Instant) -> io::Result<()>,
    ) -> Result<Connection, Verdict> {
        if !name.starts_with("backend") {
            return self.connect(limit);
        }
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(connection) = self.arrival(scope) {
                return Ok(connection);
            }
            pump(Instant::now() + SLICE).map_err(|error| Verdict::Error(format!("cannot poll: {error}")))?;
        }
        Err(Verdict::Hang(
            "the front end has not sent the request on".to_owned(),
        ))
    }
}

const SPECIAL_PATHS: [&str; 7] = ["hasty", "kept", "small", "limited", "php", "named", "trusted"]; // paths for cases that need a front end with certain settings
const SLICE: Duration = Duration::from_millis(5); // between two looks for a connection of the front end
