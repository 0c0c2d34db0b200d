//! TLS as the bench has it: the certificate of both servers, and clients that leave them no choice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testbed::{Authority, Tls, TlsClient};

use super::scenario::HOST;

/// A certificate of one server, and the authority that its clients believe.
pub(crate) struct Identity {
    authority: Authority,
    dir: PathBuf,
}

/// Whether a client goes on with its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// Each connection begins with a full handshake.
    New,
    /// Every connection but the first goes on with the session of one before.
    Resumed,
}

impl Identity {
    /// Issues a certificate; its files go to a new directory in `dir`.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let dir = dir.join("certs");
        fs::create_dir(&dir).context("cannot make a directory for certificates")?;
        let authority = Authority::new("Bench Authority")?;
        authority.issue(&[HOST])?.write(&dir, "server")?;
        Ok(Self { authority, dir })
    }

    /// Where `server.pem` and `server.key` are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A client with a store of sessions of its own, that offers one protocol.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be read.
    pub(crate) fn client(&self, alpn: &str, sessions: Sessions) -> Result<Tls> {
        let client = TlsClient {
            name: HOST,
            alpn: &[alpn],
            pinned: true,
            forgetful: sessions == Sessions::New,
            ..TlsClient::default()
        };
        Tls::new(&self.authority, &client)
    }
}

/// What both sides of every connection with TLS do, for the report.
pub(crate) const AGREED: &str = "TLS of both servers: version 1.3, TLS_AES_256_GCM_SHA384, X25519, a certificate with a \
    key of P-256, session tickets on.";
