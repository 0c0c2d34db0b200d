//! TLS, by rustls with aws-lc-rs: handshakes, the bytes after them, certificates, tickets.
//!
//! rustls does no input and output of its own. Handshakes are driven in `handshake`, the bytes after them in `session`: by us,
//! so that the two directions of a connection have owners of their own, a connection that waits holds no buffer of
//! ours, and bytes that the socket has not taken are known to be there.
//!
//! What the files hold is [`Material`], read where waiting does no harm and never changed: other files make another
//! [`TlsAcceptor`]. What outlives all of them is the [`TlsContext`]: the keys of tickets.
//!
//! Without the feature `tls` the same names stand for what cannot be made (`absent`), and settings that need it are
//! refused.

mod config;
mod error;
mod finding;
mod hosts;
mod negotiated;

#[cfg(feature = "tls")]
mod acceptor;
#[cfg(feature = "tls")]
mod authorities;
#[cfg(feature = "tls")]
mod blocking;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod certificates;
#[cfg(feature = "tls")]
mod challenge;
#[cfg(feature = "tls")]
mod compression;
#[cfg(feature = "tls")]
mod connector;
#[cfg(feature = "tls")]
mod context;
#[cfg(feature = "tls")]
mod file;
#[cfg(feature = "tls")]
mod halves;
#[cfg(feature = "tls")]
mod handshake;
#[cfg(feature = "tls")]
mod hello;
#[cfg(feature = "tls")]
mod inspect;
#[cfg(feature = "tls")]
mod material;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
mod shared_keys;
#[cfg(feature = "tls")]
mod stream;
#[cfg(feature = "tls")]
mod suite;
#[cfg(feature = "tls")]
mod ticket_key;
#[cfg(feature = "tls")]
mod tickets;
#[cfg(feature = "tls")]
mod x509;

#[cfg(not(feature = "tls"))]
mod absent;

pub use config::{
    AuthorityFiles, BackendTls, CertificateFiles, ClientAuth, HostClient, ListenerTls, PolicyId, TlsConfig,
    TlsVersion, Verify,
};
pub use error::TlsError;
pub use finding::TlsFinding;
pub use hosts::Hosts;
pub use negotiated::{Alpn, ClientCertificate, HandshakeError, Negotiated};

#[cfg(feature = "tls")]
pub use {
    acceptor::TlsAcceptor,
    challenge::AlpnChallenges,
    connector::TlsConnector,
    context::TlsContext,
    halves::{TlsReadHalf, TlsWriteHalf},
    hello::{Hello, Opening},
    material::{Material, Refreshed},
    stream::TlsStream,
    x509::Facts as CertificateFacts,
};

#[cfg(not(feature = "tls"))]
pub use absent::{
    AlpnChallenges, Hello, Material, Opening, Refreshed, TlsAcceptor, TlsConnector, TlsContext, TlsReadHalf,
    TlsStream, TlsWriteHalf,
};
