//! A certificate with its key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{Error, InconsistentKeys, SignatureAlgorithm, SignatureScheme};

use super::config::CertificateFiles;
use super::error::TlsError;
use super::file::{malformed, read, sections};
use super::x509::{self, Facts};

/// A certificate, the chain behind it, and its key: what the files held when they were read together.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) facts: Facts,
    /// The place in the chain, counted from 1, of the first one that is not that of the issuer before.
    pub(super) misplaced: Option<usize>,
    /// Its issuer says where its own certificate is to be had, and that is not here.
    pub(super) is_alone: bool,
    /// Of certificates with different keys for one name, those of a lower rank are preferred.
    pub(super) rank: u8,
}

impl Certificate {
    /// Reads the files.
    pub(super) fn load(files: &CertificateFiles, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let chain: Vec<CertificateDer<'static>> = sections(&files.cert, "certificate", "CERTIFICATE")?;
        let key = private_key(&files.key)?;
        let facts = x509::facts(&chain[0]).map_err(|why| malformed(&files.cert, why))?;
        let misplaced = misplaced(&chain, &facts).map_err(|why| malformed(&files.cert, why))?;
        let is_alone = chain.len() == 1 && facts.has_issuer_elsewhere;
        let signing = provider.key_provider.load_private_key(key);
        let signing = signing.map_err(|error| malformed(&files.key, error))?;
        let mut key = CertifiedKey::new(chain, signing);
        match key.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                return Err(TlsError::Mismatch {
                    cert: files.cert.clone(),
                    key: files.key.clone(),
                });
            }
            Err(error) => return Err(malformed(&files.cert, error)),
        }
        key.ocsp = files.ocsp.as_deref().map(read).transpose()?;
        Ok(Self {
            rank: rank(&*key.key),
            key: Arc::new(key),
            facts,
            misplaced,
            is_alone,
        })
    }
}

impl CertificateFiles {
    /// All of them.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> + Clone {
        [&self.cert, &self.key].into_iter().chain(&self.ocsp)
    }
}

/// The first certificate that is not that of the issuer of the one before it.
fn misplaced(chain: &[CertificateDer<'_>], first: &Facts) -> Result<Option<usize>, String> {
    let mut issuer = first.issuer.clone();
    for (at, certificate) in chain.iter().enumerate().skip(1) {
        let facts = x509::facts(certificate)?;
        if facts.subject != issuer {
            return Ok(Some(at + 1));
        }
        issuer = facts.issuer;
    }
    Ok(None)
}

/// The first key in a file.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let mut keys: Vec<PrivateKeyDer<'static>> = sections(path, "private key", "PRIVATE KEY")?;
    Ok(keys.swap_remove(0))
}

/// By the time that a signature takes: of P-256 a tenth of what it takes of RSA.
fn rank(key: &dyn SigningKey) -> u8 {
    match key.algorithm() {
        _ if key
            .choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
            .is_some() =>
        {
            0
        }
        SignatureAlgorithm::ED25519 => 1,
        SignatureAlgorithm::ECDSA => 2,
        _ => 3,
    }
}
