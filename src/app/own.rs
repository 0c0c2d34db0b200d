//! The certificates that the gateway gets for itself: for which hosts, and where they are.

use std::collections::BTreeSet;

use crate::acme::{AcmeConfig, Reach, local, store};
use crate::config::Config;
use crate::frontend::config::{Host, Route};
use crate::transport::tls::{CertificateFiles, ListenerTls, Material};

/// Hosts that have certificates of our own: those of routes, where a listener speaks TLS and no configured certificate is for
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// Directories are asked for these: `shop.example`, `*.shop.example`, `192.0.2.1`.
    pub(super) public: BTreeSet<String>,
    /// Ours is the authority for these.
    pub(super) local: BTreeSet<String>,
}

impl Own {
    /// Finds them, and has listeners and the front end know of them. `configured` has the certificates of the configuration.
    pub(super) fn settle(config: &mut Config, configured: &Material) -> Self {
        let mut own = Self::default();
        let hosts = hosts(config);
        for listener in &mut config.frontend.listeners {
            if let Some(tls) = listener.tls.as_deref_mut() {
                own.add(tls, &hosts, &config.acme, configured);
            }
        }
        if let Some(secure) = &mut config.frontend.secure_hosts {
            // As `Host` has them.
            secure.hosts = own.public.iter().map(|name| host_of(name)).collect();
        }
        own
    }

    /// Whether a host has one.
    pub(super) fn has(&self, host: &str) -> bool {
        self.public.contains(bare(host)) || self.local.contains(host)
    }

    /// What would be asked, of which directory, and how it would be shown that the name is ours.
    pub(super) fn plan(&self, acme: &AcmeConfig) -> Vec<String> {
        let ways = acme.ways();
        let directories: Vec<&str> = acme.directories.iter().map(|directory| &*directory.url).collect();
        let public = self.public.iter().map(|name| {
            let ways = ways.iter().filter(|way| way.suits(name)).map(|way| way.as_str());
            let ways: Vec<&str> = ways.collect();
            match ways.is_empty() {
                true => format!(
                    "{name}: no certificate: it can be shown to be ours by the DNS only, and [acme] has neither `dns` nor `hook`"
                ),
                false => format!(
                    "{name}: a certificate of {}, by {}",
                    directories.join(", else "),
                    ways.join(", else ")
                ),
            }
        });
        let local = self.local.iter().map(|host| {
            format!(
                "{host}: a certificate of the local authority; `bridgehead trust` says how it is believed"
            )
        });
        public.chain(local).collect()
    }

    fn add(&mut self, tls: &mut ListenerTls, hosts: &[String], acme: &AcmeConfig, configured: &Material) {
        tls.own.clear();
        let uncovered: Vec<&String> = hosts
            .iter()
            .filter(|host| !configured.covers(tls, host))
            .collect();
        for host in uncovered {
            let name = bare(host);
            match Reach::of(host) {
                Reach::Public if acme.is_on() => {
                    let keys = acme.keys.iter();
                    tls.own
                        .extend(keys.map(|&key| one_file(store::certificate(&acme.store, name, key))));
                    self.public.insert(name.to_owned());
                }
                Reach::Local if acme.is_on() || tls.certificates.is_empty() => {
                    tls.own.push(one_file(local::path(&acme.store, host)));
                    self.local.insert(host.clone());
                }
                Reach::Public | Reach::Local | Reach::Nowhere => {}
            }
        }
    }
}

/// The hosts of all routes.
fn hosts(config: &Config) -> Vec<String> {
    let routes = config.frontend.routes.iter();
    let hosts: BTreeSet<String> = routes.flat_map(Route::named_hosts).map(Host::to_text).collect();
    let mut hosts: Vec<String> = hosts.into_iter().collect();
    // Clients that use an address ask for no name, and get the first certificate: this one is for addresses, too.
    hosts.sort_by_key(|host| host != "localhost");
    hosts
}

/// A name as clients write it: IPv6 in brackets.
fn host_of(name: &str) -> String {
    match name.contains(':') {
        true => format!("[{name}]"),
        false => name.to_owned(),
    }
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn one_file(path: std::path::PathBuf) -> CertificateFiles {
    CertificateFiles {
        cert: path.clone(),
        key: path,
        ocsp: None,
    }
}
