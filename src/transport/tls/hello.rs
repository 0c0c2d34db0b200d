//! A handshake with a client: what it says first, and the rest.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::BytesMut;
use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{Connection, HandshakeKind};

use super::acceptor::TlsAcceptor;
use super::handshake::Handshake;
use super::negotiated::{Alpn, HandshakeError, Negotiated};
use super::{challenge, suite, x509};
use crate::transport::Stream;
use crate::transport::socket::Socket;

/// Bytes of one read: a ClientHello with the key share of ML-KEM fits.
const READ: usize = 4 * 1024;

/// What a client begins with.
pub enum Opening {
    /// A handshake.
    Tls(Box<Hello>),
    /// Plain text: what was read of it stands in the bytes.
    Clear(Stream, BytesMut),
}

/// A client that has said what it wants of TLS. Nothing is answered yet.
pub struct Hello {
    socket: Socket,
    accepted: Accepted,
}

impl Hello {
    /// Reads what a client begins with.
    pub async fn read(stream: Stream) -> Result<Opening, HandshakeError> {
        let mut socket = match stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(_) => return Err(HandshakeError::Tls("TLS within TLS".to_owned())),
        };
        let mut acceptor = Acceptor::default();
        let mut first = true;
        loop {
            let bytes = read(&mut socket).await?;
            if std::mem::take(&mut first) && is_clear(&bytes) {
                return Ok(Opening::Clear(Stream::Plain(socket), bytes));
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                acceptor.read_tls(&mut rest)?;
            }
            match acceptor.accept() {
                Ok(Some(accepted)) => return Ok(Opening::Tls(Box::new(Self { socket, accepted }))),
                Ok(None) => {}
                Err((error, alert)) => return Err(refused(&socket, &error, alert)),
            }
        }
    }

    /// Goes through with it.
    pub async fn accept(
        self: Box<Self>,
        acceptor: &TlsAcceptor,
    ) -> Result<(Stream, Negotiated), HandshakeError> {
        let Self { mut socket, accepted } = *self;
        if let (Some(challenges), Some(name)) =
            (&acceptor.challenges, challenge::asked(&accepted.client_hello()))
        {
            let provider = acceptor.usual().server.crypto_provider().clone();
            if let Some(config) = challenge::find(challenges, name, provider).await {
                challenge::show(socket, accepted, config).await?;
                return Err(HandshakeError::Challenge);
            }
        }
        let server_name = accepted.client_hello().server_name().map(str::to_ascii_lowercase);
        let policy = acceptor.policy(server_name.as_deref());
        let tls = match accepted.into_connection(policy.server.clone()) {
            Ok(tls) => tls,
            Err((error, alert)) => return Err(refused(&socket, &error, alert)),
        };
        let mut handshake = Handshake::new(tls, true);
        poll_fn(|cx| handshake.poll(&mut socket, cx)).await?;
        let negotiated = Negotiated {
            asked: policy.asks,
            policy: policy.id,
            usual_policy: acceptor.usual().id,
            ..negotiated(&handshake.tls, server_name)
        };
        Ok((Stream::Tls(Box::new(handshake.into_stream(socket)?)), negotiated))
    }
}

/// Tells the client, as far as the socket takes that at once.
fn refused(socket: &Socket, error: &rustls::Error, mut alert: AcceptedAlert) -> HandshakeError {
    let mut bytes = Vec::new();
    // Memory takes everything.
    let _ = alert.write_all(&mut bytes);
    let _ = socket.write_now(&bytes);
    HandshakeError::Tls(error.to_string())
}

/// Reads once.
async fn read(socket: &mut Socket) -> Result<BytesMut, HandshakeError> {
    let mut bytes = BytesMut::with_capacity(READ);
    let count = poll_fn(|cx| tokio_util::io::poll_read_buf(Pin::new(&mut *socket), cx, &mut bytes)).await?;
    match count {
        0 => Err(HandshakeError::Closed),
        _ => Ok(bytes),
    }
}

/// Whether it is text: a record of TLS begins with a number below 32, the hello of SSL 2 with one above 127.
fn is_clear(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b' '..=b'~' | b'\r' | b'\n'))
}

fn negotiated(tls: &Connection, server_name: Option<String>) -> Negotiated {
    let client = tls.peer_certificates().and_then(<[_]>::first);
    Negotiated {
        version: suite::version(tls.protocol_version()),
        cipher: suite::name(tls.negotiated_cipher_suite()),
        server_name,
        alpn: tls.alpn_protocol().and_then(Alpn::of),
        resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
        // Refused by the verifier if it were malformed.
        client: client
            .and_then(|certificate| x509::client(certificate).ok())
            .map(Box::new),
        ..Negotiated::default()
    }
}

impl Alpn {
    /// What is offered, the preferred one first.
    pub(super) const OFFERED: [&'static [u8]; 2] = [b"h2", b"http/1.1"];

    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"h2" => Some(Self::Http2),
            b"http/1.1" => Some(Self::Http1),
            _ => None,
        }
    }
}
