//! Looks at what can be used and may be a mistake all the same.

use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use super::certificate::Certificate;
use super::config::{CertificateFiles, ListenerTls};
use super::finding::TlsFinding;
use super::material::Material;
use super::x509;

/// Days before the end of a certificate from which on it is told. Those that are renewed at two thirds of their time never
/// come near it, but for the shortest ones.
const SOON: i64 = 14;

/// Permissions of others than the owner and the group: keys of a group are common (`ssl-cert`).
const OTHERS: u32 = 0o007;

impl Material {
    /// What is worth a word about the certificates of a listener with routes for `hosts` (`shop.example`, `*.example`).
    /// Not for a thread of the runtime.
    pub fn findings(&self, listener: &ListenerTls, hosts: &[String]) -> Vec<TlsFinding> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let known: Vec<_> = listener
            .files()
            .filter_map(|files| Some((files, self.certificate(files)?)))
            .collect();
        let mut findings = Vec::new();
        for (files, certificate) in &known {
            findings.extend(validity(files, certificate, now));
            findings.extend(chain(files, certificate));
            findings.extend(permissions(files));
        }
        let names: Vec<&String> = known
            .iter()
            .flat_map(|(_, certificate)| &certificate.facts.names)
            .collect();
        let nameless = hosts
            .iter()
            .filter(|host| !names.iter().any(|name| covers(name, host)));
        findings.extend(nameless.map(|host| TlsFinding::Nameless { host: host.clone() }));
        findings
    }
}

impl Material {
    /// Whether a certificate that is configured for a listener is for a host, `shop.example` or `*.example`.
    pub fn covers(&self, listener: &ListenerTls, host: &str) -> bool {
        let certificates = listener.certificates.iter();
        let mut known = certificates.filter_map(|files| self.certificate(files));
        known.any(|certificate| certificate.facts.names.iter().any(|name| covers(name, host)))
    }
}

fn validity(files: &CertificateFiles, certificate: &Certificate, now: i64) -> Option<TlsFinding> {
    let (path, facts) = (files.cert.clone(), &certificate.facts);
    let left = facts.not_after.saturating_sub(now);
    if left < 0 {
        let until = x509::moment_of(facts.not_after);
        return Some(TlsFinding::Expired { path, until });
    }
    if facts.not_before > now {
        let from = x509::moment_of(facts.not_before);
        return Some(TlsFinding::Early { path, from });
    }
    let (days, until) = (left / DAY, x509::moment_of(facts.not_after));
    // Of a certificate for six days, two are a third.
    let soon = SOON.min((facts.not_after - facts.not_before) / DAY / 3);
    (days < soon).then_some(TlsFinding::Expires { path, days, until })
}

fn chain(files: &CertificateFiles, certificate: &Certificate) -> Option<TlsFinding> {
    let path = files.cert.clone();
    match (certificate.misplaced, certificate.is_alone) {
        (Some(place), _) => Some(TlsFinding::Order { path, place }),
        (None, true) => Some(TlsFinding::Alone { path }),
        (None, false) => None,
    }
}

fn permissions(files: &CertificateFiles) -> Option<TlsFinding> {
    let mode = std::fs::metadata(&files.key).ok()?.mode() & 0o7777;
    (mode & OTHERS != 0).then(|| TlsFinding::Open {
        path: files.key.clone(),
        mode,
    })
}

/// Whether a certificate with this name is for this host, or for one of `*.example`.
fn covers(name: &str, host: &str) -> bool {
    match (name.strip_prefix("*."), host.strip_prefix("*.")) {
        (_, Some(_)) => name == host,
        (Some(parent), None) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
        (None, None) => name == host.trim_start_matches('[').trim_end_matches(']'),
    }
}

const DAY: i64 = 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_for_one_label() {
        for (name, host, is_for) in [
            ("shop.example", "shop.example", true),
            ("*.example", "shop.example", true),
            ("*.example", "a.shop.example", false),
            ("*.example", "example", false),
            ("*.example", "*.example", true),
            ("shop.example", "*.example", false),
            ("::1", "[::1]", true),
        ] {
            assert_eq!(covers(name, host), is_for, "{name} {host}");
        }
    }
}
