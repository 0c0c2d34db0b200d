//! What TLS needs to know: settings as checked values, defaults in one place.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::Duration;

use crate::transport::Secret;

/// The `[tls]` table: what listeners do unless they say otherwise, and what all of them share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// What a listener with `tls = true` does.
    pub listener: ListenerTls,
    /// Whether clients may resume their sessions by tickets.
    pub session_tickets: bool,
    /// How long a ticket is taken; its key is new once in half of that time.
    pub ticket_lifetime: Duration,
    /// What the keys of tickets are made of, in all gateways that are to take each other's; `None`: each makes its own.
    pub ticket_secret: Option<Secret>,
    /// Handshakes at a time whose client has said what it wants; above it, those that last longest are given up.
    pub max_handshakes: usize,
    /// Between two looks at the files that are named here; zero: none.
    pub watch: Duration,
}

/// How one listener speaks TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerTls {
    /// Chosen by the name that the client asks for; the first one where it asks for none that is known.
    pub certificates: Vec<CertificateFiles>,
    /// Behind those: the ones that the gateway gets by itself. Certificate and key are one file.
    pub own: Vec<CertificateFiles>,
    /// Whether clients are asked for certificates.
    pub client: Option<ClientAuth>,
    /// The same for hosts that have it otherwise.
    pub hosts: Vec<HostClient>,
    /// The oldest version of the protocol.
    pub min_version: TlsVersion,
}

/// The files of one certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateFiles {
    /// The certificate, and behind it those of its issuers, as PEM.
    pub cert: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
    /// What its issuer says of its validity, as DER (RFC 6960).
    pub ocsp: Option<PathBuf>,
}

/// Certificates of the clients of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostClient {
    /// `shop.example` or `*.example`, in lower case.
    pub host: String,
    /// What is asked of them.
    pub client: ClientAuth,
}

/// What is asked of clients, as a number: where it is the same, the same is asked. Means something within a process only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyId(pub u64);

/// Certificates of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientAuth {
    /// Where they come from.
    pub files: AuthorityFiles,
    /// Whether a client needs one.
    pub verify: Verify,
}

/// The files that say which certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorityFiles {
    /// The issuers that are believed, as PEM.
    pub ca: PathBuf,
    /// What they have revoked, as PEM.
    pub crl: Option<PathBuf>,
}

/// Whether a client needs a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verify {
    /// Without one there is no connection.
    #[default]
    Required,
    /// It is asked for one; what it shows has to be good.
    Optional,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// TLS to the endpoints of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackendTls {
    /// The issuers that are believed, as PEM; `None`: those of the system.
    pub ca: Option<PathBuf>,
    /// What the certificates of the endpoints are for; `None`: the host, or the address, of each.
    pub name: Option<String>,
    /// Our certificate, as PEM, where endpoints ask for one.
    pub cert: Option<PathBuf>,
    /// Its key, as PEM.
    pub key: Option<PathBuf>,
    /// Whether certificates are looked at.
    pub verify: bool,
}

impl Default for BackendTls {
    fn default() -> Self {
        Self {
            ca: None,
            name: None,
            cert: None,
            key: None,
            verify: true,
        }
    }
}

impl ListenerTls {
    /// The files of all certificates, in the order in which they are preferred.
    pub fn files(&self) -> impl Iterator<Item = &CertificateFiles> {
        self.certificates.iter().chain(&self.own)
    }
}

impl PolicyId {
    /// What is asked; `None`: nothing.
    pub fn of(client: Option<&ClientAuth>) -> Self {
        let mut hasher = DefaultHasher::new();
        client.hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            listener: ListenerTls::default(),
            session_tickets: true,
            ticket_lifetime: Self::TICKET_LIFETIME,
            ticket_secret: None,
            max_handshakes: Self::MAX_HANDSHAKES,
            watch: Self::WATCH,
        }
    }
}

impl TlsConfig {
    /// Unless configured: a visitor of yesterday resumes, and no key is used for longer than half a day.
    pub const TICKET_LIFETIME: Duration = Duration::from_secs(24 * 3600);
    /// Unless configured: some 30 MiB of handshakes.
    pub const MAX_HANDSHAKES: usize = 1000;
    /// Unless configured.
    pub const WATCH: Duration = Duration::from_secs(10);
}
