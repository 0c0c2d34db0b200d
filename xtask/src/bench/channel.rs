//! The bytes between a client of the bench and a server, with TLS or without.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, ensure};
use testbed::{Secured, Tls};

use super::identity::{Identity, Sessions};
use super::load::connect;

/// A connection.
pub(crate) trait Channel: Read + Write + Debug + Send {
    /// Closes it as clients do that have all they want.
    ///
    /// # Errors
    ///
    /// When the server has gone.
    fn close(self: Box<Self>) -> Result<()>;
}

impl Channel for TcpStream {
    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Channel for Secured {
    fn close(self: Box<Self>) -> Result<()> {
        Self::close(*self).context("cannot say that nothing follows")
    }
}

/// How the clients of a load connect.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    /// Without TLS.
    Clear,
    /// With TLS: one for each client.
    Tls {
        /// With their sessions.
        clients: Vec<Tls>,
        /// What those are for.
        sessions: Sessions,
    },
}

impl Security {
    /// TLS for as many clients that offer one protocol; none if there is no certificate.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be read.
    pub(crate) fn new(
        identity: Option<&Identity>,
        clients: usize,
        alpn: &str,
        sessions: Sessions,
    ) -> Result<Self> {
        let Some(identity) = identity else {
            return Ok(Self::Clear);
        };
        let clients = (0..clients).map(|_| identity.client(alpn, sessions));
        Ok(Self::Tls {
            clients: clients.collect::<Result<_>>()?,
            sessions,
        })
    }

    /// A connection of client `index`, which has had `earlier` before.
    ///
    /// # Errors
    ///
    /// When there is none, or it goes on with an earlier session where it should not, or does not where it should.
    pub(crate) fn open(&self, addr: SocketAddr, index: usize, earlier: usize) -> Result<Box<dyn Channel>> {
        let stream = connect(addr)?;
        let (clients, sessions) = match self {
            Self::Clear => return Ok(Box::new(stream)),
            Self::Tls { clients, sessions } => (clients, *sessions),
        };
        let stream = clients[index % clients.len()].connect(stream)?;
        let resumed = stream.is_resumed();
        match sessions {
            Sessions::New => ensure!(!resumed, "an earlier session goes on"),
            Sessions::Resumed => ensure!(resumed || earlier == 0, "no earlier session goes on"),
        }
        Ok(Box::new(stream))
    }
}
