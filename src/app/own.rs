//! The certificates that the gateway gets for itself: for which hosts, and where they are.

use std::collections::BTreeSet;

use crate::acme::{AcmeConfig, Reach, store};
use crate::config::Config;
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
            secure.hosts = own.public.iter().chain(&own.local).cloned().collect();
        }
        own
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
                    tls.own.push(one_file(crate::acme::local_path(&acme.store, host)));
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
    let hosts: BTreeSet<String> = routes
        .filter_map(|route| Some(route.host.as_ref()?.to_text()))
        .collect();
    let mut hosts: Vec<String> = hosts.into_iter().collect();
    // Clients that use an address ask for no name, and get the first certificate: this one is for addresses, too.
    hosts.sort_by_key(|host| host != "localhost");
    hosts
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
