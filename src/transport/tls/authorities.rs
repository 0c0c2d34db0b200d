//! Which certificates of clients are believed.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::config::{AuthorityFiles, Verify};
use super::error::TlsError;
use super::file::{malformed, sections};

/// Issuers that are believed, and what they have revoked.
#[derive(Debug)]
pub(super) struct Authorities {
    roots: Arc<RootCertStore>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    /// SHA-256 of all of it.
    pub(super) digest: [u8; 32],
}

impl Authorities {
    /// Reads the files.
    pub(super) fn load(files: &AuthorityFiles) -> Result<Self, TlsError> {
        let found: Vec<CertificateDer<'static>> = sections(&files.ca, "certificate", "CERTIFICATE")?;
        let revoked: Vec<CertificateRevocationListDer<'static>> = match &files.crl {
            Some(crl) => sections(crl, "list of revoked certificate", "X509 CRL")?,
            None => Vec::new(),
        };
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let mut roots = RootCertStore::empty();
        for certificate in found {
            digest.update(&certificate);
            roots
                .add(certificate)
                .map_err(|error| malformed(&files.ca, error))?;
        }
        for list in &revoked {
            digest.update(list);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.finish().as_ref());
        Ok(Self {
            roots: Arc::new(roots),
            revoked,
            digest: bytes,
        })
    }

    /// What looks at the certificates of clients. A list of revoked certificates has to be there for every issuer, or for
    /// none.
    pub(super) fn verifier(
        &self,
        verify: Verify,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let mut builder = WebPkiClientVerifier::builder_with_provider(self.roots.clone(), provider.clone());
        if !self.revoked.is_empty() {
            // As OpenSSL does it: a list that nothing renews is none.
            let revoked = self.revoked.iter().cloned();
            builder = builder.with_crls(revoked).enforce_revocation_expiration();
        }
        if verify == Verify::Optional {
            builder = builder.allow_unauthenticated();
        }
        builder
            .build()
            .map_err(|error| TlsError::Other(error.to_string()))
    }
}

impl AuthorityFiles {
    /// All of them.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> + Clone {
        [&self.ca].into_iter().chain(&self.crl)
    }
}
