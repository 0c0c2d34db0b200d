//! What getting certificates needs to know: settings as checked values, defaults in one place.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::dns::DnsConfig;
use super::hook::HookConfig;
use super::names::Reach;

/// The `[acme]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeConfig {
    /// Where the directory writes to when something is wrong with a certificate; `None`: certificates are not asked for.
    pub email: Option<String>,
    /// The directories that are asked: the first one, and the next ones when that fails.
    pub directories: Vec<DirectoryConfig>,
    /// How control of a name is shown: the first one, and the next ones when that fails. None: see [`AcmeConfig::ways`].
    pub challenges: Option<Vec<ChallengeKind>>,
    /// One certificate of each kind.
    pub keys: Vec<KeyKind>,
    /// Where accounts, orders and certificates are kept.
    pub store: PathBuf,
    /// How long before its end a certificate is renewed; `None`: as the directory says, else at two thirds of its time.
    pub renew_before: Option<Duration>,
    /// Where questions for records of challenges are answered.
    pub dns: Option<DnsConfig>,
    /// What makes such records elsewhere.
    pub hook: Option<HookConfig>,
    /// Requests for these hosts that come without TLS are sent to `https`.
    pub redirect: bool,
}

/// Something that issues certificates (RFC 8555).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryConfig {
    /// Its URL.
    pub url: String,
    /// The issuers of its certificate that are believed, as PEM; `None`: those of the system.
    pub ca: Option<PathBuf>,
    /// The customer that the account is for (RFC 8555, section 7.3.4).
    pub eab: Option<Eab>,
    /// What kind of certificates is wanted (draft-ietf-acme-profiles); `None`: the usual ones.
    pub profile: Option<String>,
    /// The common name of an issuer in the chain that is wanted, where there are several.
    pub preferred_chain: Option<String>,
}

/// An external account binding.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Eab {
    /// The name of the key.
    pub id: String,
    /// The key, base64url. A secret.
    pub key: String,
}

/// How control of a name is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ChallengeKind {
    /// A file over HTTP on port 80 (RFC 8555, section 8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// A handshake on port 443 (RFC 8737).
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// A record in the DNS (RFC 8555, section 8.4).
    #[serde(rename = "dns-01")]
    Dns01,
}

/// What kind of key a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum KeyKind {
    /// The curve P-256.
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// The curve P-384.
    #[serde(rename = "ecdsa-p384")]
    EcdsaP384,
    /// RSA with 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
}

/// A secret.
impl fmt::Debug for Eab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eab")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Default for AcmeConfig {
    fn default() -> Self {
        Self {
            email: None,
            directories: vec![DirectoryConfig::default()],
            challenges: None,
            keys: vec![KeyKind::EcdsaP256],
            store: Self::STORE.into(),
            renew_before: None,
            dns: None,
            hook: None,
            redirect: true,
        }
    }
}

impl AcmeConfig {
    /// Unless configured; or what systemd has made for us (`StateDirectory=`).
    pub const STORE: &'static str = "/var/lib/bridgehead";

    /// How control of a name is shown, in this order: as configured, else over HTTP and TLS, and by the DNS where something
    /// answers there.
    pub fn ways(&self) -> Vec<ChallengeKind> {
        if let Some(challenges) = &self.challenges {
            return challenges.clone();
        }
        let mut ways = vec![ChallengeKind::Http01, ChallengeKind::TlsAlpn01];
        if self.dns.is_some() || self.hook.is_some() {
            ways.push(ChallengeKind::Dns01);
        }
        ways
    }

    /// Whether a host, `shop.example`, `*.example`, `[::1]`, can have a certificate by itself.
    pub fn serves(&self, host: &str) -> bool {
        match Reach::of(host) {
            Reach::Public => self.is_on(),
            Reach::Local => true,
            Reach::Nowhere => false,
        }
    }

    /// Whether certificates are asked for.
    pub fn is_on(&self) -> bool {
        self.email.is_some()
    }
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        Self {
            url: Self::LETS_ENCRYPT.to_owned(),
            ca: None,
            eab: None,
            profile: None,
            preferred_chain: None,
        }
    }
}

impl DirectoryConfig {
    /// `letsencrypt`
    pub const LETS_ENCRYPT: &'static str = "https://acme-v02.api.letsencrypt.org/directory";
    /// `letsencrypt-staging`: nothing believes its certificates, and it has wide limits.
    pub const STAGING: &'static str = "https://acme-staging-v02.api.letsencrypt.org/directory";
    /// `zerossl`: needs an external account binding.
    pub const ZERO_SSL: &'static str = "https://acme.zerossl.com/v2/DV90";
}

impl ChallengeKind {
    /// As RFC 8555 names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Dns01 => "dns-01",
        }
    }

    /// Whether it can be used for a name: wildcards need the DNS, and addresses are not in it.
    pub fn suits(self, name: &str) -> bool {
        let is_address = name.parse::<std::net::IpAddr>().is_ok();
        match self {
            Self::Http01 | Self::TlsAlpn01 => !name.starts_with("*."),
            Self::Dns01 => !is_address,
        }
    }
}

impl KeyKind {
    /// What the names of files have behind the name of the host.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "",
            Self::EcdsaP384 => ".p384",
            Self::Rsa2048 => ".rsa",
        }
    }
}
