//! The stage of a connection to a listener with TLS: the handshake.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::time::Instant;

use super::{ConnectionContext, Protocol};
use crate::frontend::forwarded::Connected;
use crate::frontend::handshake_limit::HandshakeLimit;
use crate::protocol::peer::Peer;
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
pub(super) enum Begun {
    /// Both sides agree.
    Secure(Stream, Negotiated),
    /// The client speaks no TLS; this was read of what it says instead.
    Clear(Stream, BytesMut),
}

/// Goes through a handshake; `None`: there is no connection any more.
pub(super) async fn secure(
    stream: Stream,
    securing: &Securing,
    context: &ConnectionContext,
    connected: &Connected,
    deadline: Instant,
) -> Option<Begun> {
    let begun = tokio::time::timeout_at(deadline, shake(stream, securing)).await;
    let begun = begun.unwrap_or(Err(Failed::Late));
    let counters = &context.current.service().context.counters;
    counters.handshake(outcome(&begun));
    begun.map_err(|failed| tell(&failed, connected)).ok()
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
    let client = connected.remote().map_or("unix", Peer::ip_text);
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
