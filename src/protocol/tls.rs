//! What is known of a client's TLS connection, as variables tell of it.

/// What both sides agreed on, and what the client showed. Shared by the requests of its connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// `TLSv1.3`
    pub version: &'static str,
    /// `TLS_AES_256_GCM_SHA384`
    pub cipher: &'static str,
    /// The name that the client asked for, in lower case.
    pub server_name: Option<Box<str>>,
    /// Whether an earlier session goes on.
    pub resumed: bool,
    /// Whether the client was asked for a certificate.
    pub asked: bool,
    /// A number for what was asked of the client, by the name that it asked for.
    pub policy: u64,
    /// The same for clients that ask for no name that is known.
    pub usual_policy: u64,
    /// The holder of the certificate that it showed, which is good.
    pub holder: Option<Box<Holder>>,
}

/// The certificate of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Its name (RFC 4514).
    pub subject: String,
    /// The name of the issuer.
    pub issuer: String,
    /// The number of the certificate, in hexadecimal digits of upper case.
    pub serial: String,
    /// SHA-1 of the certificate, in hexadecimal digits of lower case.
    pub fingerprint: String,
    /// From when on it is good: `Nov 30 10:00:00 2026 GMT`.
    pub valid_from: String,
    /// Until when.
    pub valid_to: String,
    /// All of it.
    pub pem: String,
}

impl ClientTls {
    /// `SUCCESS` or `NONE`; `None`: the client was not asked for a certificate.
    pub fn verify(&self) -> Option<&'static str> {
        self.asked.then_some(match self.holder {
            Some(_) => "SUCCESS",
            None => "NONE",
        })
    }

    /// `r` or `.`, as nginx says it.
    pub fn reused(&self) -> &'static str {
        if self.resumed { "r" } else { "." }
    }
}
