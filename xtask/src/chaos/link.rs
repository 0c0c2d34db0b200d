//! Connections to the gateway, with TLS or without.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::SockRef;
use testbed::Tls;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::either::Either;

/// Where a load goes to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    addr: SocketAddr,
    security: Option<Security>,
}

/// TLS of the clients, for each protocol that they offer.
#[derive(Clone, Debug)]
struct Security {
    name: ServerName<'static>,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// A connection.
pub(crate) type Link = Either<TcpStream, TlsStream<TcpStream>>;

impl Target {
    /// Without TLS.
    pub(crate) fn clear(addr: SocketAddr) -> Self {
        Self { addr, security: None }
    }

    /// With TLS for a host: clients that offer HTTP/1.1, and others that offer HTTP/2.
    pub(crate) fn secured(addr: SocketAddr, name: ServerName<'static>, http1: &Tls, http2: &Tls) -> Self {
        let security = Security {
            name,
            http1: http1.config(),
            http2: http2.config(),
        };
        Self {
            addr,
            security: Some(security),
        }
    }

    /// Whether HTTP/2 is spoken, too.
    pub(crate) fn has_http2(&self) -> bool {
        self.security.is_some()
    }

    /// A connection, after its handshake.
    ///
    /// # Errors
    ///
    /// When the gateway does not take it.
    pub(crate) async fn connect(&self, protocol: Protocol) -> io::Result<Link> {
        let stream = TcpStream::connect(self.addr).await?;
        stream.set_nodelay(true)?;
        let Some(Security { name, http1, http2 }) = &self.security else {
            return Ok(Either::Left(stream));
        };
        let config = match protocol {
            Protocol::Http1 => http1,
            Protocol::Http2 => http2,
        };
        let handshake = TlsConnector::from(config.clone()).connect(name.clone(), stream);
        Ok(Either::Right(handshake.await?))
    }
}

/// Whether the gateway has neither closed an idle connection nor sent anything on it. The kernel is asked, not the
/// runtime, whose knowledge may be some requests old.
pub(crate) fn is_quiet(link: &Link) -> bool {
    let stream = match link {
        Either::Left(stream) => stream,
        Either::Right(stream) => stream.get_ref().0,
    };
    let peeked = SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
