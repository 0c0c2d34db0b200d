//! What a handshake came to.

use std::io;

use super::config::PolicyId;

/// What both sides agreed on, and what the client showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// `TLSv1.3`, as OpenSSL names it.
    pub version: &'static str,
    /// `TLS_AES_256_GCM_SHA384`, as OpenSSL names it.
    pub cipher: &'static str,
    /// The name that the client asked for, in lower case.
    pub server_name: Option<String>,
    /// The protocol inside.
    pub alpn: Option<Alpn>,
    /// Whether an earlier session goes on.
    pub resumed: bool,
    /// Whether the client was asked for a certificate.
    pub asked: bool,
    /// What was asked of the client, by the name that it asked for.
    pub policy: PolicyId,
    /// What is asked of clients that ask for no name.
    pub usual_policy: PolicyId,
    /// The certificate that it showed, if it did. It is good: else there is no connection.
    pub client: Option<Box<ClientCertificate>>,
}

/// A protocol that is spoken inside (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// `http/1.1`
    Http1,
    /// `h2`
    Http2,
}

/// A client's certificate, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The name of its holder, as RFC 4514 writes it.
    pub subject: String,
    /// The name of its issuer.
    pub issuer: String,
    /// Its number, in hexadecimal digits of upper case.
    pub serial: String,
    /// SHA-1 of it, in hexadecimal digits of lower case: what nginx compares with.
    pub fingerprint: String,
    /// From when on it is good: `Nov 30 10:00:00 2026 GMT`.
    pub valid_from: String,
    /// Until when.
    pub valid_to: String,
    /// All of it, as PEM.
    pub pem: String,
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The client has left.
    #[error("the client closed the connection")]
    Closed,
    /// The socket.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It was a directory, which has seen that a name is ours: nothing follows.
    #[error("the answer to a challenge was shown")]
    Challenge,
    /// What the client said, or did not want.
    #[error("{0}")]
    Tls(String),
}
