//! What a header says beyond addresses: types, lengths, values.

use super::HeaderError;
use crate::protocol::tls::ClientTls;

/// TLVs, each of which is well formed, those in that of TLS included. The first of a type counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tlvs(Box<[u8]>);

/// The type of a TLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(pub u8);

/// The type of a TLV in that of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SslKind(pub u8);

/// What is said of the client's TLS (section 2.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ssl<'a> {
    /// Bits that say what is known.
    client: u8,
    /// 0 if the client showed a certificate that was verified.
    pub verify: u32,
    tlvs: &'a [u8],
}

impl Kind {
    /// The protocol that was agreed on, `h2` for instance.
    pub const ALPN: Self = Self(0x01);
    /// The host that the client asked for.
    pub const AUTHORITY: Self = Self(0x02);
    /// The checksum of the header.
    pub const CRC32C: Self = Self(0x03);
    /// What names the connection: bytes without a meaning, 128 at most.
    pub const UNIQUE_ID: Self = Self(0x05);
    /// What is said of TLS.
    pub const SSL: Self = Self(0x20);
    /// The name of the network namespace.
    pub const NETNS: Self = Self(0x30);
}

impl SslKind {
    /// `TLSv1.3`
    pub const VERSION: Self = Self(0x21);
    /// The common name of the client's certificate.
    pub const CN: Self = Self(0x22);
    /// The cipher.
    pub const CIPHER: Self = Self(0x23);
    /// The algorithm of the signature of the sender's certificate.
    pub const SIG_ALG: Self = Self(0x24);
    /// The algorithm of the key of that certificate.
    pub const KEY_ALG: Self = Self(0x25);
}

/// The client spoke TLS.
const CLIENT_SSL: u8 = 0x01;

/// It showed a certificate over this connection.
const CLIENT_CERT_CONN: u8 = 0x02;

/// It has shown one in this session.
const CLIENT_CERT_SESS: u8 = 0x04;

impl Tlvs {
    /// Those that fill `bytes`.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        check(bytes)?;
        let tlvs = Self(bytes.into());
        if let Some(value) = tlvs.get(Kind::SSL) {
            check(Ssl::of(value).ok_or(HeaderError::Tlv(Kind::SSL.0))?.tlvs)?;
        }
        Ok(tlvs)
    }

    /// One that says that the client spoke TLS, and showed no certificate.
    pub fn secure() -> Self {
        let [high, low] = (SSL_FIXED as u16).to_be_bytes();
        Self([Kind::SSL.0, high, low, CLIENT_SSL, 0, 0, 0, 1].into())
    }

    /// What the sender knows of a client that spoke TLS with it.
    pub fn of(tls: &ClientTls) -> Self {
        let shown = match (&tls.holder, tls.resumed) {
            (None, _) => 0,
            (Some(_), true) => CLIENT_CERT_SESS,
            (Some(_), false) => CLIENT_CERT_SESS | CLIENT_CERT_CONN,
        };
        let mut ssl = vec![CLIENT_SSL | shown];
        // What was shown is good: else there were no connection.
        ssl.extend(u32::from(tls.holder.is_none()).to_be_bytes());
        put(&mut ssl, SslKind::VERSION.0, tls.version.as_bytes());
        put(&mut ssl, SslKind::CIPHER.0, tls.cipher.as_bytes());
        let mut tlvs = Vec::new();
        if let Some(name) = &tls.server_name {
            put(&mut tlvs, Kind::AUTHORITY.0, name.as_bytes());
        }
        put(&mut tlvs, Kind::SSL.0, &ssl);
        Self(tlvs.into())
    }

    /// Only what is said of TLS.
    pub fn only_ssl(&self) -> Self {
        let whole = Walk::new(&self.0).find(|tlv| tlv.kind == Kind::SSL.0);
        whole.map_or_else(Self::default, |tlv| Self(tlv.whole.into()))
    }

    /// All but those of a type, as they stand in a header.
    pub(super) fn without(&self, kind: Kind) -> Vec<u8> {
        let others = Walk::new(&self.0).filter(|tlv| tlv.kind != kind.0);
        others.flat_map(|tlv| tlv.whole).copied().collect()
    }

    /// As they stand in a header.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value of a type.
    pub fn get(&self, kind: Kind) -> Option<&[u8]> {
        find(&self.0, kind.0)
    }

    /// What is said of the client's TLS.
    pub fn ssl(&self) -> Option<Ssl<'_>> {
        self.get(Kind::SSL).and_then(Ssl::of)
    }

    /// Where among the bytes the value of a type begins, and the value.
    pub(super) fn place(&self, kind: Kind) -> Option<(usize, &[u8])> {
        let mut before = 0;
        for tlv in Walk::new(&self.0) {
            if tlv.kind == kind.0 {
                return Some((before + FIXED, tlv.value));
            }
            before += tlv.whole.len();
        }
        None
    }
}

impl<'a> Ssl<'a> {
    fn of(value: &'a [u8]) -> Option<Self> {
        let (fixed, tlvs) = value.split_first_chunk::<SSL_FIXED>()?;
        let [client, verify @ ..] = *fixed;
        let verify = u32::from_be_bytes(verify);
        Some(Self { client, verify, tlvs })
    }

    /// Whether the client spoke TLS.
    pub fn is_client(&self) -> bool {
        self.client & CLIENT_SSL != 0
    }

    /// The value of a type.
    pub fn get(&self, kind: SslKind) -> Option<&'a [u8]> {
        find(self.tlvs, kind.0)
    }
}

/// Bytes of type and length.
const FIXED: usize = 3;

/// Bytes in front of the TLVs in that of TLS.
const SSL_FIXED: usize = 5;

/// Appends one. Values are far below the limit of 64 KiB.
fn put(bytes: &mut Vec<u8>, kind: u8, value: &[u8]) {
    bytes.push(kind);
    bytes.extend((value.len() as u16).to_be_bytes());
    bytes.extend_from_slice(value);
}

fn find(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let mut all = Walk::new(bytes);
    all.find(|tlv| tlv.kind == kind).map(|tlv| tlv.value)
}

fn check(bytes: &[u8]) -> Result<(), HeaderError> {
    let mut walk = Walk::new(bytes);
    walk.by_ref().for_each(drop);
    match walk.rest.first() {
        None => Ok(()),
        Some(kind) => Err(HeaderError::Tlv(*kind)),
    }
}

/// One TLV after the other, to the first that does not fit.
struct Walk<'a> {
    rest: &'a [u8],
}

struct Tlv<'a> {
    kind: u8,
    value: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Walk<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let [kind, high, low] = *self.rest.first_chunk::<FIXED>()?;
        let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
        let (whole, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        let value = &whole[FIXED..];
        Some(Tlv { kind, value, whole })
    }
}
