//! What certificates say, as text.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::Any;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::negotiated::ClientCertificate;
use crate::telemetry::CertificateValidity;

/// What the choice of a certificate, and the checks of it, need to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The hosts that it is for, in lower case: `shop.example`, `*.shop.example`, addresses.
    pub names: Vec<String>,
    /// Seconds since 1970 from which on it is good.
    pub not_before: i64,
    /// Seconds since 1970 until which it is.
    pub not_after: i64,
    /// The name of its holder, as it stands there.
    pub subject: Vec<u8>,
    /// The name of its issuer, as it stands there.
    pub issuer: Vec<u8>,
    /// What it calls its key (RFC 5280, section 4.2.1.2); empty: nothing.
    pub key_id: Vec<u8>,
    /// What it calls the key of its issuer (RFC 5280, section 4.2.1.1); empty: nothing.
    pub issuer_key_id: Vec<u8>,
    /// SHA-256 of all of it.
    pub fingerprint: Vec<u8>,
    /// Its issuer is another one, and says where its own certificate is to be had: it is no root.
    pub has_issuer_elsewhere: bool,
}

impl Facts {
    /// Those of the first certificate in a PEM text.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn of_pem(pem: &[u8]) -> Result<Self, String> {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|error| error.to_string())?;
        facts(&certificate)
    }

    /// For eyes and collectors.
    pub(super) fn validity(&self, file: &Path) -> CertificateValidity {
        CertificateValidity {
            file: file.display().to_string(),
            names: self.names.clone(),
            not_after: self.not_after,
        }
    }
}

/// Reads a certificate.
pub(super) fn facts(der: &[u8]) -> Result<Facts, String> {
    let certificate = parse(der)?;
    Ok(Facts {
        names: names(&certificate),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        subject: certificate.subject().as_raw().to_vec(),
        issuer: certificate.issuer().as_raw().to_vec(),
        key_id: key_id(&certificate),
        issuer_key_id: issuer_key_id(&certificate),
        fingerprint: digest(&SHA256, der).as_ref().to_vec(),
        has_issuer_elsewhere: has_issuer_elsewhere(&certificate),
    })
}

/// Reads the certificate of a client.
pub(super) fn client(der: &[u8]) -> Result<ClientCertificate, String> {
    let certificate = parse(der)?;
    Ok(ClientCertificate {
        subject: distinguished(certificate.subject()),
        issuer: distinguished(certificate.issuer()),
        serial: serial(certificate.raw_serial()),
        fingerprint: hexadecimal(digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref()),
        valid_from: moment(certificate.validity().not_before),
        valid_to: moment(certificate.validity().not_after),
        pem: pem(der),
    })
}

fn key_id(certificate: &X509Certificate<'_>) -> Vec<u8> {
    let mut extensions = certificate.extensions().iter();
    let found = extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn issuer_key_id(certificate: &X509Certificate<'_>) -> Vec<u8> {
    let mut extensions = certificate.extensions().iter();
    let found = extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(issuer) => Some(issuer.key_identifier.as_ref()?.0.to_vec()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn has_issuer_elsewhere(certificate: &X509Certificate<'_>) -> bool {
    let mut extensions = certificate.extensions().iter();
    extensions.any(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => {
            let mut methods = access.accessdescs.iter();
            methods.any(|access| access.access_method.to_id_string() == CA_ISSUERS)
        }
        _ => false,
    })
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    match X509Certificate::from_der(der) {
        Ok((_, certificate)) => Ok(certificate),
        Err(error) => Err(format!("not a certificate: {error}")),
    }
}

/// The alternative names; where there is none, the common name, as old clients and private issuers have it.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.iter().flat_map(|names| &names.value.general_names);
    let names: Vec<String> = alternative.filter_map(name).collect();
    match names.is_empty() {
        false => names,
        true => {
            let common = certificate.subject().iter_common_name().next();
            let common = common.and_then(|name| name.as_str().ok());
            common.map(str::to_ascii_lowercase).into_iter().collect()
        }
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).into());
    let sixteen = || <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).into());
    four.or_else(|_| sixteen()).ok()
}

/// A distinguished name, the most special part first (RFC 4514, section 2).
fn distinguished(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for parts in name.iter_rdn().collect::<Vec<_>>().into_iter().rev() {
        for (at, part) in parts.iter().enumerate() {
            match (text.is_empty(), at) {
                (true, _) => {}
                (false, 0) => text.push(','),
                (false, _) => text.push('+'),
            }
            let kind = part.attr_type().to_id_string();
            let known = KINDS.iter().find(|(number, _)| *number == kind);
            text.push_str(known.map_or(&*kind, |(_, short)| *short));
            text.push('=');
            put_value(part.attr_value(), &mut text);
        }
    }
    text
}

/// A value, with what means something in a name marked (RFC 4514, section 2.4). What is no text stands in hexadecimal
/// digits.
fn put_value(value: &Any<'_>, out: &mut String) {
    let text = match value.tag().0 {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString
        12 | 18 | 19 | 22 | 26 => std::str::from_utf8(value.data).ok(),
        _ => None,
    };
    let Some(text) = text else {
        out.push('#');
        out.push_str(&hexadecimal(value.data));
        return;
    };
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            '#' if at == 0 => out.extend(['\\', c]),
            ' ' if at == 0 || at == last => out.extend(['\\', c]),
            // In a field of HTTP and in a log there is no room for such.
            c if c.is_control() || !c.is_ascii() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing into a string cannot fail.
                    let _ = write!(out, "\\{byte:02X}");
                }
            }
            c => out.push(c),
        }
    }
}

/// As OpenSSL writes it: whole bytes, without the zero that only keeps a number from being negative.
fn serial(bytes: &[u8]) -> String {
    let bytes = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    hexadecimal(bytes).to_ascii_uppercase()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The same for seconds since 1970.
pub(super) fn moment_of(seconds: i64) -> String {
    ASN1Time::from_timestamp(seconds).map_or_else(|_| format!("{seconds} seconds since 1970"), moment)
}

/// `Nov 30 10:00:00 2026 GMT`
fn moment(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let month = MONTHS[usize::from(u8::from(time.month())) - 1];
    format!(
        "{month} {:2} {:02}:{:02}:{:02} {} GMT",
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.year()
    )
}

fn pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut line = 0;
    for three in der.chunks(3) {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            match place > three.len() {
                true => text.push('='),
                false => text.push(char::from(BASE64[digit as usize])),
            }
        }
        line += 4;
        if line == 64 {
            text.push('\n');
            line = 0;
        }
    }
    if line > 0 {
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// id-ad-caIssuers (RFC 5280, section 4.2.2.1).
const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Kinds of the parts of names, as OpenSSL shortens them.
const KINDS: [(&str, &str); 14] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.42", "GN"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];
