//! Handshakes with directories that look whether a name is ours (RFC 8737): a certificate is shown, and that is all.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{Accepted, ClientHello};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};

use super::handshake::Handshake;
use super::negotiated::HandshakeError;
use crate::transport::socket::Socket;

/// The protocol that such a client wants to speak.
const PROTOCOL: &[u8] = b"acme-tls/1";

/// Knows what is to be shown.
pub trait AlpnChallenges: fmt::Debug + Send + Sync {
    /// The certificate for a name, with its key, as PEM; `None`: nothing is to be shown for it. May wait for the disk.
    fn certificate(&self, name: &str) -> Option<Vec<u8>>;
}

/// The name that a directory asks for; `None`: the client is none.
pub(super) fn asked(hello: &ClientHello<'_>) -> Option<String> {
    let mut protocols = hello.alpn()?;
    let only = protocols.next()? == PROTOCOL && protocols.next().is_none();
    only.then(|| hello.server_name().unwrap_or_default().to_owned())
}

/// What is to be shown for a name, as far as something is.
pub(super) async fn find(
    challenges: &Arc<dyn AlpnChallenges>,
    name: String,
    provider: Arc<CryptoProvider>,
) -> Option<Arc<ServerConfig>> {
    let challenges = challenges.clone();
    let pem = tokio::task::spawn_blocking(move || challenges.certificate(&name)).await;
    let pem = pem.ok().flatten()?;
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let key = PrivateKeyDer::from_pem_slice(&pem).ok()?;
    // Not by `with_single_cert`: that reads the certificate, and knows nothing of its one critical extension.
    let key = provider.key_provider.load_private_key(key).ok()?;
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain.ok()?, key));
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .ok()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Some(Arc::new(config))
}

/// Shows it.
pub(super) async fn show(
    mut socket: Socket,
    accepted: Accepted,
    config: Arc<ServerConfig>,
) -> Result<(), HandshakeError> {
    let tls = accepted.into_connection(config);
    let tls = tls.map_err(|(error, _)| HandshakeError::Tls(error.to_string()))?;
    let mut handshake = Handshake::new(tls, false);
    poll_fn(|cx| handshake.poll(&mut socket, cx)).await
}
