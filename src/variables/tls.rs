//! Variables of the client's TLS connection, by nginx's names.

use crate::protocol::tls::{ClientTls, Holder};

/// A variable of a TLS connection. Without TLS it has no value, and without a client's certificate those of that have
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVariable {
    /// `TLSv1.3`
    Protocol,
    /// `TLS_AES_256_GCM_SHA384`
    Cipher,
    /// The name that the client asked for.
    ServerName,
    /// `r` when an earlier session goes on, else `.`.
    SessionReused,
    /// `SUCCESS`, or `NONE` without a certificate; nothing when the client was not asked for one.
    ClientVerify,
    /// The name of the certificate's holder.
    ClientSubject,
    /// The name of its issuer.
    ClientIssuer,
    /// Its number.
    ClientSerial,
    /// SHA-1 of it.
    ClientFingerprint,
    /// From when on it is good.
    ClientStart,
    /// Until when.
    ClientEnd,
    /// All of it as PEM, percent-encoded.
    ClientEscapedCert,
}

impl TlsVariable {
    /// Every variable with its name.
    pub(super) const ALL: [(&'static str, Self); 12] = [
        ("ssl_protocol", Self::Protocol),
        ("ssl_cipher", Self::Cipher),
        ("ssl_server_name", Self::ServerName),
        ("ssl_session_reused", Self::SessionReused),
        ("ssl_client_verify", Self::ClientVerify),
        ("ssl_client_s_dn", Self::ClientSubject),
        ("ssl_client_i_dn", Self::ClientIssuer),
        ("ssl_client_serial", Self::ClientSerial),
        ("ssl_client_fingerprint", Self::ClientFingerprint),
        ("ssl_client_v_start", Self::ClientStart),
        ("ssl_client_v_end", Self::ClientEnd),
        ("ssl_client_escaped_cert", Self::ClientEscapedCert),
    ];

    /// The one of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, variable)| *variable)
    }

    /// Gives its value to `sink`.
    pub fn write(self, tls: &ClientTls, sink: &mut dyn FnMut(&[u8])) {
        let of = |part: fn(&Holder) -> &String| tls.holder.as_deref().map_or("", |holder| part(holder));
        let text = match self {
            Self::Protocol => tls.version,
            Self::Cipher => tls.cipher,
            Self::ServerName => tls.server_name.as_deref().unwrap_or_default(),
            Self::SessionReused => tls.reused(),
            Self::ClientVerify => tls.verify().unwrap_or_default(),
            Self::ClientSubject => of(|holder| &holder.subject),
            Self::ClientIssuer => of(|holder| &holder.issuer),
            Self::ClientSerial => of(|holder| &holder.serial),
            Self::ClientFingerprint => of(|holder| &holder.fingerprint),
            Self::ClientStart => of(|holder| &holder.valid_from),
            Self::ClientEnd => of(|holder| &holder.valid_to),
            Self::ClientEscapedCert => return escape(of(|holder| &holder.pem), sink),
        };
        sink(text.as_bytes());
    }
}

/// Percent-encodes all but what no part of a URL gives a meaning to (RFC 3986, section 2.3).
fn escape(text: &str, sink: &mut dyn FnMut(&[u8])) {
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => sink(&[byte]),
            _ => {
                let digit = |number: u8| DIGITS[usize::from(number)];
                sink(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
