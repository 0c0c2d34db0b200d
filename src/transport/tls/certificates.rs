//! The certificates of a listener, and which of them a client gets.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;

/// Certificates by the names that they are for.
#[derive(Debug)]
pub(super) struct Certificates {
    /// `shop.example`, lower case.
    exact: HashMap<String, Vec<Arc<Certificate>>>,
    /// `*.example`: held as `example`.
    wildcard: HashMap<String, Vec<Arc<Certificate>>>,
    /// Where the client names none that is known: those with a name of the first one, and so its other keys.
    usual: Vec<Arc<Certificate>>,
}

impl Certificates {
    /// In the order of the configuration.
    pub(super) fn new(all: &[Arc<Certificate>]) -> Self {
        let mut certificates = Self {
            exact: HashMap::new(),
            wildcard: HashMap::new(),
            usual: Vec::new(),
        };
        for certificate in all {
            certificates.add(certificate);
        }
        let is_usual = |other: &&Arc<Certificate>| match all {
            [first, ..] => Arc::ptr_eq(first, other) || first.facts.names == other.facts.names,
            [] => false,
        };
        certificates.usual = all.iter().filter(is_usual).cloned().collect();
        certificates.sort();
        certificates
    }

    fn add(&mut self, certificate: &Arc<Certificate>) {
        for name in &certificate.facts.names {
            let (names, name) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.wildcard, parent),
                None => (&mut self.exact, name.as_str()),
            };
            let same = names.entry(name.to_owned()).or_default();
            same.push(certificate.clone());
        }
    }

    /// Those of one name by their rank; of the same rank in the order of the configuration.
    fn sort(&mut self) {
        let named = self.exact.values_mut().chain(self.wildcard.values_mut());
        for same in named.chain([&mut self.usual]) {
            same.sort_by_key(|certificate| certificate.rank);
        }
    }

    /// The candidates for a name.
    pub(super) fn named(&self, name: Option<&str>) -> &[Arc<Certificate>] {
        let Some(name) = name else { return &self.usual };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let parent = || self.wildcard.get(name.split_once('.')?.1);
        self.exact.get(&name).or_else(parent).unwrap_or(&self.usual)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let usable = |certificate: &&Arc<Certificate>| certificate.key.key.choose_scheme(schemes).is_some();
        let found = self.named(hello.server_name()).iter().find(usable);
        found.map(|certificate| certificate.key.clone())
    }
}
