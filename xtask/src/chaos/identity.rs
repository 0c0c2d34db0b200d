//! The certificate of the gateway, which changes, and clients that believe it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testbed::{Agreed, Authority, Client, Tls, TlsClient, Wanted};
use tokio_rustls::rustls::pki_types::ServerName;

use super::configuration::GENERATION;
use super::http2::HOST;
use super::link::Target;

/// An authority, and the pair of files that it has issued last.
pub(crate) struct Identity {
    authority: Authority,
    dir: PathBuf,
}

impl Identity {
    /// Issues the first certificate; its files go to a new directory in `dir`.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let dir = dir.join("certs");
        fs::create_dir(&dir).context("cannot make a directory for certificates")?;
        let identity = Self {
            authority: Authority::new("Chaos Authority")?,
            dir,
        };
        identity.renew(false)?;
        Ok(identity)
    }

    /// Replaces both files, one after the other; `p384`: by a pair with another kind of key. Gives the new certificate, as
    /// DER.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub(crate) fn renew(&self, p384: bool) -> Result<Vec<u8>> {
        let issued = self.authority.issue_as(&Wanted {
            names: &[HOST],
            p384,
            ..Wanted::default()
        })?;
        issued.write(&self.dir, "server")?;
        Ok(testbed::der(&issued.cert))
    }

    /// What the listener and `[tls]` are told.
    pub(crate) fn settings(&self) -> String {
        let file = |suffix| self.dir.join("server").with_extension(suffix);
        format!(
            "tls = true\n[tls]\nwatch = \"100ms\"\ncertificates = [{{ cert = {:?}, key = {:?} }}]\n",
            file("pem"),
            file("key")
        )
    }

    /// A load on the gateway.
    ///
    /// # Errors
    ///
    /// When the certificate of the authority cannot be read.
    pub(crate) fn target(&self, addr: SocketAddr) -> Result<Target> {
        let name = ServerName::try_from(HOST)?;
        let (http1, http2) = (self.client("http/1.1", false)?, self.client("h2", false)?);
        Ok(Target::secured(addr, name, &http1, &http2))
    }

    /// A client with sessions of its own.
    ///
    /// # Errors
    ///
    /// When the certificate of the authority cannot be read.
    pub(crate) fn visitor(&self) -> Result<Tls> {
        self.client("http/1.1", false)
    }

    /// The certificate that clients without a session get, as DER.
    ///
    /// # Errors
    ///
    /// When the gateway does not answer.
    pub(crate) fn shown(&self, addr: SocketAddr) -> Result<Vec<u8>> {
        Ok(visit(addr, &self.client("http/1.1", true)?)?.certificate)
    }

    fn client(&self, alpn: &str, forgetful: bool) -> Result<Tls> {
        let client = TlsClient {
            name: HOST,
            alpn: &[alpn],
            forgetful,
            ..TlsClient::default()
        };
        Tls::new(&self.authority, &client)
    }
}

/// A connection and a request, after which the client has what it needs to go on with the session.
///
/// # Errors
///
/// When the gateway does not answer.
pub(crate) fn visit(addr: SocketAddr, tls: &Tls) -> Result<Agreed> {
    let mut client = Client::connect_tls(addr, tls)?;
    client.request("GET", GENERATION, &[("Connection", "close")], b"")?;
    Ok(client.agreed())
}
