//! Certificates as text: what they say.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

use super::base64;

/// What renewal needs to know of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// What it is for: `shop.example`, `*.shop.example`, addresses.
    pub(super) names: Vec<String>,
    /// Seconds since 1970 from which on it is good.
    pub(super) not_before: i64,
    /// Seconds since 1970 until which it is.
    pub(super) not_after: i64,
    /// It is its own issuer: a placeholder.
    pub(super) is_self_signed: bool,
    /// What a directory knows it by (RFC 9773, section 4.1); `None`: it has no authority key identifier.
    pub(super) id: Option<String>,
    /// Its public key (SubjectPublicKeyInfo).
    pub(super) key: Vec<u8>,
}

/// What the first certificate in a text says; `None`: there is none.
pub(super) fn facts(pem: &str) -> Option<Facts> {
    let der = certificates(pem).into_iter().next()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    Some(Facts {
        names: names(&certificate),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        is_self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
        id: id(&certificate),
        key: certificate.public_key().raw.to_vec(),
    })
}

/// Whether the last certificate of a chain is of an issuer with this common name.
pub(super) fn has_issuer(chain: &str, wanted: &str) -> bool {
    let Some(der) = certificates(chain).pop() else {
        return false;
    };
    let Ok((_, certificate)) = X509Certificate::from_der(&der) else {
        return false;
    };
    let mut names = certificate.issuer().iter_common_name();
    names.any(|name| name.as_str().is_ok_and(|name| name == wanted))
}

/// The certificates in a text, as DER, up to the first that is none.
fn certificates(pem: &str) -> Vec<Vec<u8>> {
    let sections = Pem::iter_from_buffer(pem.as_bytes()).map_while(Result::ok);
    let certificates = sections.filter(|section| section.label == "CERTIFICATE");
    certificates.map(|section| section.contents).collect()
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    names.filter_map(name).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
    let address = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from));
    address.ok().map(|address| address.to_string())
}

/// The identifier of the issuer's key, a dot, and the serial number as it stands there.
fn id(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut extensions = certificate.extensions().iter();
    let issuer = extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(identifier) => identifier.key_identifier.as_ref(),
        _ => None,
    })?;
    Some(format!(
        "{}.{}",
        base64::encode(issuer.0),
        base64::encode(certificate.raw_serial())
    ))
}
