//! TLS to backends.

use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::config::BackendTls;
use super::error::TlsError;
use super::file::{malformed, sections};
use super::handshake::Handshake;
use super::negotiated::HandshakeError;
use super::x509;
use crate::telemetry::CertificateValidity;
use crate::transport::{Address, Stream};

/// Shakes hands with the endpoints of an upstream. Sessions go on where they permit it.
#[derive(Debug)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    name: Option<String>,
    /// How long the certificate is good that endpoints are shown.
    pub(super) validity: Option<CertificateValidity>,
}

impl TlsConnector {
    /// Reads the files.
    pub(super) fn load(tls: &BackendTls, provider: &Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Other(error.to_string()))?;
        let builder = match tls.verify {
            true => builder.with_root_certificates(roots(tls)?),
            false => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Believing(provider.clone()))),
        };
        let mut validity = None;
        let config = match (&tls.cert, &tls.key) {
            (Some(cert), Some(key)) => {
                let chain: Vec<CertificateDer<'static>> = sections(cert, "certificate", "CERTIFICATE")?;
                let mut keys: Vec<PrivateKeyDer<'static>> = sections(key, "private key", "PRIVATE KEY")?;
                let facts = x509::facts(&chain[0]).map_err(|why| malformed(cert, why))?;
                validity = Some(facts.validity(cert));
                let config = builder.with_client_auth_cert(chain, keys.swap_remove(0));
                config.map_err(|error| malformed(cert, error))?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Self {
            config: Arc::new(config),
            name: tls.name.clone(),
            validity,
        })
    }

    /// Shakes hands over a connection to `address`. The caller limits the time.
    pub async fn connect(&self, stream: Stream, address: &Address) -> Result<Stream, HandshakeError> {
        let Stream::Plain(mut socket) = stream else {
            return Err(HandshakeError::Tls("TLS within TLS".to_owned()));
        };
        let name = server_name(self.name.as_deref(), address).map_err(HandshakeError::Tls)?;
        let tls = ClientConnection::new(self.config.clone(), name);
        let tls = tls.map_err(|error| HandshakeError::Tls(error.to_string()))?;
        let mut handshake = Handshake::new(tls, false);
        poll_fn(|cx| handshake.poll(&mut socket, cx)).await?;
        Ok(Stream::Tls(Box::new(handshake.into_stream(socket)?)))
    }
}

impl BackendTls {
    /// All files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> + Clone {
        self.ca.iter().chain(&self.cert).chain(&self.key)
    }
}

/// The name that the certificate of the endpoint is to be for.
fn server_name(name: Option<&str>, address: &Address) -> Result<ServerName<'static>, String> {
    let name = match (name, address) {
        (Some(name), _) => name.to_owned(),
        (None, Address::Name(host, _)) => host.clone(),
        (None, Address::Tcp(address)) => address.ip().to_string(),
        (None, Address::Unix(_) | Address::Abstract(_)) => {
            return Err("a unix socket has no name: set `name` in `tls`".to_owned());
        }
    };
    ServerName::try_from(name.clone())
        .map_err(|_| format!("`{name}` is not a name that a certificate can be for"))
}

/// The issuers that are believed: those of the file, or those of the system.
fn roots(tls: &BackendTls) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        Some(ca) => {
            let found: Vec<CertificateDer<'static>> = sections(ca, "certificate", "CERTIFICATE")?;
            for certificate in found {
                roots.add(certificate).map_err(|error| malformed(ca, error))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            // Some distributions carry what nothing can use any more.
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
                return Err(TlsError::NoRoots(why.join("; ")));
            }
        }
    }
    Ok(roots)
}

/// Believes every certificate: what is said is kept from those that only listen.
#[derive(Debug)]
struct Believing(Arc<CryptoProvider>);

impl ServerCertVerifier for Believing {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
