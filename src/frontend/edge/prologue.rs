//! What comes in front of the first request of a connection: a header of the PROXY protocol, then a handshake.
//!
//! Both have one deadline, `timeouts.handshake`: a peer that is slow with one has less time for the other.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::time::Instant;

use super::handshake::{Begun, Securing, secure};
use super::proxy_header::{Received, receive};
use super::{ConnectionContext, Opened, Protocol};
use crate::frontend::connection_limit::Permit;
use crate::frontend::forwarded::Connected;
use crate::frontend::rejection::Rejection;
use crate::protocol::http1::{self, Rule};
use crate::protocol::tls::ClientTls;
use crate::transport::Accepted;

/// What has to come in front of the first request of a connection.
#[derive(Debug)]
pub struct Prologue {
    /// The header by which its peer says whose connection it is.
    pub announced: bool,
    /// The handshake, and how it is answered.
    pub securing: Option<Arc<Securing>>,
}

/// A connection after its prologue; or one that is to be turned away, since something else came.
pub(super) type Passed = Result<Box<Opened>, (Box<Opened>, Rejection)>;

impl Prologue {
    /// Whether nothing has to come.
    pub fn is_empty(&self) -> bool {
        !self.announced && self.securing.is_none()
    }

    /// Goes through it; `None`: there is no connection any more.
    pub(super) async fn pass(
        self,
        accepted: Accepted,
        context: ConnectionContext,
        permit: Permit,
    ) -> Option<Passed> {
        // Not the service: requests are for the one that is in force when they begin.
        let service = context.current.service();
        let limit = service.edge_of(context.listener.as_ref()).timeouts().handshake;
        drop(service);
        let deadline = Instant::now() + limit;
        let Accepted { mut stream, peer } = accepted;
        let mut connected = Connected::new(peer, stream.local_addr());
        if self.announced {
            match receive(&mut stream, &context, &connected, deadline).await? {
                Received::Header(header) => connected = connected.announced(header),
                Received::Wrong(error, bytes) => {
                    let opened = Opened::new(stream, bytes, connected, context, permit)?;
                    return Some(Err((opened, Rejection::ProxyHeader(error))));
                }
            }
        }
        let Some(securing) = self.securing else {
            let opened = Opened::new(stream, BytesMut::new(), connected, context, permit)?;
            return Some(Ok(opened));
        };
        Some(
            match secure(stream, &securing, &context, &connected, deadline).await? {
                Begun::Secure(stream, negotiated) => {
                    let agreed = negotiated.alpn.map(Protocol::from);
                    let connected = connected.over(ClientTls::from(negotiated));
                    let mut opened = Opened::new(stream, BytesMut::new(), connected, context, permit)?;
                    opened.agreed = agreed;
                    Ok(opened)
                }
                Begun::Clear(stream, bytes) => {
                    let rejection = in_the_clear(&bytes);
                    let opened = Opened::new(stream, bytes, connected, context, permit)?;
                    Err((opened, rejection))
                }
            },
        )
    }
}

/// What is wrong with clear text where TLS is to be spoken.
fn in_the_clear(bytes: &[u8]) -> Rejection {
    match http1::foreign(bytes) {
        Err(error) if error.rule == Rule::ProxyLine => Rejection::Request(Box::new(error)),
        _ => Rejection::ClearOnTlsPort,
    }
}

#[cfg(feature = "tls")]
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;
    use tokio::task::LocalSet;
    use tokio::time::sleep;

    use super::*;
    use crate::frontend::edge::simulation::Gateway;
    use crate::frontend::handshake_limit::HandshakeLimit;
    use crate::transport::tls::{
        CertificateFiles, ListenerTls, Material, TlsAcceptor, TlsConfig, TlsContext,
    };
    use crate::transport::{Latch, Stream};

    /// A timer's own precision.
    const TICK: Duration = Duration::from_millis(2);

    fn securing() -> Arc<Securing> {
        let dir = tempfile::tempdir().unwrap();
        let issued = testbed::Authority::new("Test Authority").unwrap();
        issued
            .issue(&["a.example"])
            .unwrap()
            .write(dir.path(), "a")
            .unwrap();
        let listener = ListenerTls {
            certificates: vec![CertificateFiles {
                cert: dir.path().join("a.pem"),
                key: dir.path().join("a.key"),
                ocsp: None,
            }],
            ..ListenerTls::default()
        };
        let material = Material::default();
        let material = material.load([&listener].into_iter(), [].into_iter()).unwrap();
        let context = TlsContext::new(None);
        let acceptor = TlsAcceptor::new(&listener, &TlsConfig::default(), &material, &context);
        Arc::new(Securing {
            acceptor: Arc::new(acceptor.unwrap()),
            limit: Arc::new(HandshakeLimit::new(1)),
        })
    }

    /// How long a connection is waited for whose peer says `said` after `pause`, and then nothing.
    async fn waited(pause: Duration, said: &[u8]) -> Duration {
        let gateway = Gateway::start();
        let (mut peer, ours) = UnixStream::pair().unwrap();
        let prologue = Prologue {
            announced: true,
            securing: Some(securing()),
        };
        let accepted = Accepted {
            stream: Stream::from(ours),
            peer: None,
        };
        let context = ConnectionContext {
            current: gateway.current.clone(),
            leave: Arc::new(Latch::default()),
            listener: None,
        };
        let began = Instant::now();
        let passing = prologue.pass(accepted, context, gateway.limit.take());
        let saying = async {
            sleep(pause).await;
            peer.write_all(said).await.unwrap();
        };
        let (passed, ()) = tokio::join!(passing, saying);
        assert!(passed.is_none());
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_and_a_handshake_have_one_deadline() {
        let line = b"PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n";
        let hello = b"\x16\x03\x01\x02";
        let limit = Duration::from_secs(10);
        for said in [&line[..20], line, &[&line[..], hello].concat()] {
            let waiting = waited(Duration::from_secs(9), said);
            let waited = LocalSet::new().run_until(waiting).await;
            assert!(waited >= limit && waited < limit + TICK, "{waited:?}");
        }
    }
}
