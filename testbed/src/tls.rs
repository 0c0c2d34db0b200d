//! TLS as a test's client speaks it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::compress::{BROTLI_DECOMPRESSOR, CertDecompressor, DecompressionFailed, ZLIB_DECOMPRESSOR};
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::aws_lc_rs::kx_group::X25519;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateCompressionAlgorithm, ClientConfig, ClientConnection, DEFAULT_VERSIONS, DigitallySignedStruct,
    Error, HandshakeKind, KeyLog, RootCertStore, ServerConfig, ServerConnection, SignatureScheme,
    StreamOwned,
};

use crate::authority::{Authority, Issued};

/// How a client speaks TLS. Clones, and connections one after the other, share their sessions.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: String,
    seen: Arc<Seen>,
}

/// What a client is to be like.
#[derive(Clone, Debug, Default)]
pub struct TlsClient<'a> {
    /// The host that it asks for; empty: none.
    pub name: &'a str,
    /// Protocols that it offers.
    pub alpn: &'a [&'a str],
    /// It knows nothing newer than TLS 1.2.
    pub tls12: bool,
    /// The certificate that it shows.
    pub certificate: Option<&'a Issued>,
    /// It verifies signatures of P-384 only.
    pub p384: bool,
    /// Ways in which it takes compressed certificates: `brotli`, `zlib`.
    pub compression: &'a [&'a str],
    /// It knows nothing but TLS 1.3, `TLS_AES_256_GCM_SHA384` and X25519: different servers have to do the same work.
    pub pinned: bool,
    /// It goes on with no earlier session.
    pub forgetful: bool,
    /// It believes everything, as directories do that look whether a name is ours.
    pub blind: bool,
}

/// What servers have shown.
#[derive(Debug)]
struct Seen {
    ocsp: Mutex<Vec<u8>>,
    /// What keys were agreed on, as lines of a key log.
    keys: Mutex<Vec<String>>,
    /// Certificates that came compressed.
    compressed: Arc<AtomicUsize>,
    verifier: Arc<WebPkiServerVerifier>,
    blind: bool,
}

/// A connection after its handshake.
#[derive(Debug)]
pub struct Secured(StreamOwned<ClientConnection, TcpStream>);

impl Tls {
    /// A client that believes `authority` alone.
    ///
    /// # Errors
    ///
    /// When a certificate cannot be read.
    pub fn new(authority: &Authority, client: &TlsClient<'_>) -> Result<Self> {
        Self::believing(authority.der(), client)
    }

    /// A client that believes the authority with this certificate (DER) alone.
    ///
    /// # Errors
    ///
    /// When a certificate cannot be read.
    pub fn believing(root: Vec<u8>, client: &TlsClient<'_>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(root.into())?;
        let mut provider = default_provider();
        if client.p384 {
            let algorithms = &mut provider.signature_verification_algorithms;
            let only: Vec<_> = algorithms
                .mapping
                .iter()
                .filter(|(scheme, _)| *scheme == SignatureScheme::ECDSA_NISTP384_SHA384)
                .copied()
                .collect();
            algorithms.mapping = Box::leak(only.into_boxed_slice());
        }
        if client.pinned {
            provider.cipher_suites = vec![TLS13_AES_256_GCM_SHA384];
            provider.kx_groups = vec![X25519];
        }
        let provider = Arc::new(provider);
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build()?;
        let seen = Arc::new(Seen {
            ocsp: Mutex::default(),
            keys: Mutex::default(),
            compressed: Arc::default(),
            verifier,
            blind: client.blind,
        });
        let (old, new) = ([&TLS12], [&TLS13]);
        let versions = match (client.tls12, client.pinned) {
            (true, _) => &old[..],
            (false, true) => &new[..],
            (false, false) => DEFAULT_VERSIONS,
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(seen.clone());
        let mut config = match client.certificate {
            None => config.with_no_client_auth(),
            Some(issued) => {
                let chain = CertificateDer::pem_slice_iter(issued.cert.as_bytes());
                let chain = chain
                    .collect::<Result<_, _>>()
                    .map_err(|error| anyhow!("{error:?}"))?;
                let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes());
                config.with_client_auth_cert(chain, key.map_err(|error| anyhow!("{error:?}"))?)?
            }
        };
        config.alpn_protocols = client.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config.enable_sni = !client.name.is_empty();
        config.key_log = seen.clone();
        let compression = client.compression.iter();
        config.cert_decompressors = compression
            .map(|name| Counted::named(name, &seen.compressed))
            .collect::<Result<_>>()?;
        if client.forgetful {
            config.resumption = Resumption::disabled();
        }
        let name = match client.name {
            // Verified against the address, which certificates of tests are for, too.
            "" => "127.0.0.1",
            name => name,
        };
        Ok(Self {
            config: Arc::new(config),
            name: name.to_owned(),
            seen,
        })
    }

    /// Whether it would believe a certificate (DER) without others to be that of a name or an address.
    pub fn believes(&self, certificate: &[u8], name: &str) -> bool {
        let Ok(name) = ServerName::try_from(name) else {
            return false;
        };
        let verifier = &self.seen.verifier;
        let verified = verifier.verify_server_cert(&certificate.into(), &[], &name, &[], UnixTime::now());
        verified.is_ok()
    }

    /// The OCSP response that a server has sent last.
    pub fn ocsp(&self) -> Vec<u8> {
        lock(&self.seen.ocsp).clone()
    }

    /// The keys of its connections, as lines of a key log.
    pub fn keys(&self) -> Vec<String> {
        lock(&self.seen.keys).clone()
    }

    /// Certificates that came compressed.
    pub fn compressed(&self) -> usize {
        self.seen.compressed.load(Ordering::SeqCst)
    }

    /// What it says first.
    ///
    /// # Errors
    ///
    /// When its name is none.
    pub fn hello(&self) -> Result<Vec<u8>> {
        Ok(self.begin()?.1)
    }

    /// A handshake, and what the client says first in it.
    pub(crate) fn begin(&self) -> Result<(ClientConnection, Vec<u8>)> {
        let name = ServerName::try_from(self.name.clone())?;
        let mut tls = ClientConnection::new(self.config.clone(), name)?;
        let mut hello = Vec::new();
        tls.write_tls(&mut hello)?;
        Ok((tls, hello))
    }

    /// How rustls is to speak it: for a client that is not ours.
    pub fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    /// Shakes hands.
    ///
    /// # Errors
    ///
    /// When both sides do not agree.
    pub fn connect(&self, mut stream: TcpStream) -> Result<Secured> {
        let (tls, hello) = self.begin()?;
        stream.write_all(&hello)?;
        finish(tls, stream)
    }
}

impl Secured {
    /// What both sides agreed on.
    pub fn agreed(&self) -> Agreed {
        Agreed::from(&self.0.conn)
    }

    /// Whether an earlier session goes on.
    pub fn is_resumed(&self) -> bool {
        self.0.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// What carries it.
    pub fn socket(&self) -> &TcpStream {
        &self.0.sock
    }

    /// What carries it, without the session, which ends unsaid.
    pub fn into_socket(self) -> TcpStream {
        self.0.into_parts().1
    }

    /// Says that nothing follows.
    ///
    /// # Errors
    ///
    /// When the peer takes nothing.
    pub fn close(mut self) -> io::Result<()> {
        self.0.conn.send_close_notify();
        self.0.flush()
    }
}

impl Read for Secured {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Secured {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Goes through the rest of a handshake.
pub(crate) fn finish(mut tls: ClientConnection, mut stream: TcpStream) -> Result<Secured> {
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).context("no handshake")?;
    }
    Ok(Secured(StreamOwned::new(tls, stream)))
}

/// The server's side of a connection, with a certificate. A read is an error where the client ends it without a word.
///
/// # Errors
///
/// When the certificate cannot be used, or there is no handshake.
pub fn accept_tls(mut stream: TcpStream, issued: &Issued) -> Result<impl Read + Write> {
    let chain = CertificateDer::pem_slice_iter(issued.cert.as_bytes());
    let chain = chain
        .collect::<Result<_, _>>()
        .map_err(|error| anyhow!("{error:?}"))?;
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).map_err(|error| anyhow!("{error:?}"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(DEFAULT_VERSIONS)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let mut tls = ServerConnection::new(Arc::new(config))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).context("no handshake")?;
    }
    Ok(StreamOwned::new(tls, stream))
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// `TLSv1_3`
    pub version: String,
    /// The protocol inside.
    pub alpn: String,
    /// Whether an earlier session goes on.
    pub resumed: bool,
    /// The certificate of the server, as DER.
    pub certificate: Vec<u8>,
}

impl From<&ClientConnection> for Agreed {
    fn from(tls: &ClientConnection) -> Self {
        let certificate = tls.peer_certificates().and_then(<[_]>::first);
        Self {
            version: format!(
                "{:?}",
                tls.protocol_version()
                    .unwrap_or(rustls::ProtocolVersion::Unknown(0))
            ),
            alpn: String::from_utf8_lossy(tls.alpn_protocol().unwrap_or_default()).into_owned(),
            resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
            certificate: certificate
                .map(|certificate| certificate.to_vec())
                .unwrap_or_default(),
        }
    }
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *lock(&self.ocsp) = ocsp_response.to_vec();
        if self.blind {
            return Ok(ServerCertVerified::assertion());
        }
        self.verifier
            .verify_server_cert(end_entity, intermediates, server_name, &[], now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.blind {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => self.verifier.verify_tls12_signature(message, cert, dss),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.blind {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => self.verifier.verify_tls13_signature(message, cert, dss),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

impl KeyLog for Seen {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let line = format!("{label} {} {}", hex(client_random), hex(secret));
        lock(&self.keys).push(line);
    }
}

/// Counts what it decompresses.
#[derive(Debug)]
struct Counted {
    inner: &'static dyn CertDecompressor,
    count: Arc<AtomicUsize>,
}

impl Counted {
    /// One that is never freed: rustls wants it for ever.
    fn named(name: &str, count: &Arc<AtomicUsize>) -> Result<&'static dyn CertDecompressor> {
        let inner = match name {
            "brotli" => BROTLI_DECOMPRESSOR,
            "zlib" => ZLIB_DECOMPRESSOR,
            other => bail!("{other} is no way to compress a certificate"),
        };
        let count = count.clone();
        Ok(Box::leak(Box::new(Self { inner, count })))
    }
}

impl CertDecompressor for Counted {
    fn decompress(&self, input: &[u8], output: &mut [u8]) -> Result<(), DecompressionFailed> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.inner.decompress(input, output)
    }

    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        self.inner.algorithm()
    }
}

/// The first certificate of a PEM text, as DER.
///
/// # Panics
///
/// When there is none.
pub fn der(pem: &str) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
    certificate.expect("a certificate").to_vec()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
