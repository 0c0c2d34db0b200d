//! What is shown for a public name until it has a certificate.

use std::time::{Duration, SystemTime};

use rcgen::{DistinguishedName, DnType, KeyPair};

use super::authority::{LocalError, certificate};
use crate::transport::tls::CertificateFacts;

/// The holder of placeholders, and their issuer.
const HOLDER: &str = "Bridgehead placeholder: no certificate yet";

/// A week: it is made anew with every start that finds none.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// A certificate that is signed by itself, which no client believes, with its key in front, as PEM: so that there is an answer
/// at all, as long as there is nothing better.
///
/// # Errors
///
/// When a name is none.
pub fn placeholder(names: &[String], now: SystemTime) -> Result<String, LocalError> {
    let make = || {
        let key = KeyPair::generate()?;
        let mut params = certificate(names, LIFETIME, now)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, HOLDER);
        let certificate = params.self_signed(&key)?;
        Ok(key.serialize_pem() + &certificate.pem())
    };
    make().map_err(|error: rcgen::Error| LocalError::Issue {
        names: names.to_vec(),
        why: error.to_string(),
    })
}

/// Whether a certificate is one of those.
pub fn is_placeholder(facts: &CertificateFacts) -> bool {
    let mut parts = facts.subject.windows(HOLDER.len());
    facts.subject == facts.issuer && parts.any(|part| part == HOLDER.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_known_again_and_has_the_names() {
        let names = ["shop.example".to_owned(), "*.shop.example".to_owned()];
        let pem = placeholder(&names, SystemTime::now()).unwrap();
        let facts = CertificateFacts::of_pem(pem.as_bytes()).unwrap();
        assert!(is_placeholder(&facts));
        assert_eq!(facts.names, names);
        let issued = testbed::Authority::new("Test")
            .unwrap()
            .issue(&["shop.example"])
            .unwrap();
        assert!(!is_placeholder(
            &CertificateFacts::of_pem(issued.cert.as_bytes()).unwrap()
        ));
    }
}
