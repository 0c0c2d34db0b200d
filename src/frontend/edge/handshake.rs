//! The first stage of a connection to a listener with TLS: the handshake, with a deadline of its own.

use std::sync::Arc;

use bytes::BytesMut;

use super::{ConnectionContext, Opened, Protocol};
use crate::frontend::connection_limit::Permit;
use crate::frontend::forwarded::Connected;
use crate::frontend::handshake_limit::HandshakeLimit;
use crate::protocol::tls::{ClientTls, Holder};
use crate::telemetry::{HandshakeOutcome, Reason};
use crate::transport::Stream;
use crate::transport::tls::{Alpn, HandshakeError, Hello, Negotiated, Opening, TlsAcceptor};

/// What a handshake needs.
#[derive(Debug)]
pub struct Securing {
    /// How it is answered.
    pub acceptor: Arc<TlsAcceptor>,
    /// How many are answered at a time.
    pub limit: Arc<HandshakeLimit>,
}

/// What became of a connection that was to begin with a handshake.
enum Begun {
    /// Both sides agree.
    Secure(Stream, Negotiated),
    /// The client speaks no TLS; this was read of what it says instead.
    Clear(Stream, BytesMut),
}

/// Goes through a handshake; `None`: there is no connection any more.
pub(super) async fn secure(
    (stream, context, permit): (Stream, ConnectionContext, Permit),
    securing: Arc<Securing>,
) -> Option<Box<Opened>> {
    let service = context.current.service();
    let (limit, counters) = (service.edge.timeouts.handshake, service.context.counters.clone());
    // Requests are for the service that is in force when they begin.
    drop(service);
    let connected = Connected::new(stream.peer_addr(), stream.local_addr());
    let begun = tokio::time::timeout(limit, shake(stream, &securing)).await;
    let begun = begun.unwrap_or(Err(Failed::Late));
    counters.handshake(outcome(&begun));
    match begun {
        Ok(Begun::Secure(stream, negotiated)) => {
            let agreed = negotiated.alpn.map(Protocol::from);
            let connected = connected.over(ClientTls::from(negotiated));
            Some(Opened::new(
                stream,
                BytesMut::new(),
                connected,
                agreed,
                context,
                permit,
            ))
        }
        Ok(Begun::Clear(stream, bytes)) => {
            let mut opened = Opened::new(stream, bytes, connected, Some(Protocol::Http1), context, permit);
            opened.is_clear_on_tls_port = true;
            Some(opened)
        }
        Err(failed) => {
            tell(&failed, &connected);
            None
        }
    }
}

async fn shake(stream: Stream, securing: &Securing) -> Result<Begun, Failed> {
    let hello = match Hello::read(stream).await? {
        Opening::Tls(hello) => hello,
        Opening::Clear(stream, bytes) => return Ok(Begun::Clear(stream, bytes)),
    };
    let turn = securing.limit.begin();
    tokio::select! {
        accepted = hello.accept(&securing.acceptor) => {
            let (stream, negotiated) = accepted?;
            Ok(Begun::Secure(stream, negotiated))
        }
        () = turn.given_up() => Err(Failed::GivenUp),
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error("the handshake was given up for another one: `max_handshakes` in [tls]")]
    GivenUp,
    #[error("the handshake was not over within `timeouts.handshake`")]
    Late,
}

/// Scanners and health checks of load balancers come and go: none of it is worth a line where operators look.
fn tell(failed: &Failed, connected: &Connected) {
    let reason = match failed {
        Failed::Handshake(_) => Reason::HandshakeFailed,
        Failed::GivenUp => Reason::HandshakeLimit,
        Failed::Late => Reason::HandshakeTimeout,
    };
    let client = connected
        .peer()
        .map_or_else(|| "unix".to_owned(), |peer| peer.ip().to_string());
    tracing::debug!(reason = reason.as_str(), client, error = %failed, "no TLS connection");
}

fn outcome(begun: &Result<Begun, Failed>) -> HandshakeOutcome {
    match begun {
        Ok(Begun::Secure(_, negotiated)) if negotiated.resumed => HandshakeOutcome::Resumed,
        Ok(Begun::Secure(..)) => HandshakeOutcome::Full,
        Ok(Begun::Clear(..)) => HandshakeOutcome::Clear,
        Err(Failed::Handshake(HandshakeError::Challenge)) => HandshakeOutcome::Challenge,
        Err(Failed::Handshake(_)) => HandshakeOutcome::Failed,
        Err(Failed::GivenUp) => HandshakeOutcome::GivenUp,
        Err(Failed::Late) => HandshakeOutcome::Timeout,
    }
}

impl From<Alpn> for Protocol {
    fn from(alpn: Alpn) -> Self {
        match alpn {
            Alpn::Http1 => Self::Http1,
            Alpn::Http2 => Self::Http2,
        }
    }
}

impl From<Negotiated> for ClientTls {
    fn from(negotiated: Negotiated) -> Self {
        let holder = negotiated.client.map(|client| {
            Box::new(Holder {
                subject: client.subject,
                issuer: client.issuer,
                serial: client.serial,
                fingerprint: client.fingerprint,
                valid_from: client.valid_from,
                valid_to: client.valid_to,
                pem: client.pem,
            })
        });
        Self {
            version: negotiated.version,
            cipher: negotiated.cipher,
            server_name: negotiated.server_name.map(String::into_boxed_str),
            resumed: negotiated.resumed,
            asked: negotiated.asked,
            policy: negotiated.policy.0,
            usual_policy: negotiated.usual_policy.0,
            holder,
        }
    }
}
