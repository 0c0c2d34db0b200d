//! The files of listeners and upstreams with TLS.

use anyhow::{Context, Result};

use super::own_files;
use super::progress::Progress;
use crate::app::identity::Identity;
use crate::app::own::Own;
use crate::config::Config;
use crate::frontend::config::{Host, Route};
use crate::transport::tls::{ListenerTls, Material, TlsFinding};

/// Reads those that are configured, as far as they are not as they were `before`.
pub(in crate::app) fn material(config: &Config, before: &Material, progress: &Progress) -> Result<Material> {
    let first = listeners(config).flat_map(|tls| &tls.certificates).next();
    if let Some(first) = first {
        progress.at("the certificates", "[tls] certificates", first.cert.display());
    }
    load(config, before)
}

/// Finds out which hosts have certificates of our own. As root, the store is made for the user that we become.
pub(super) fn own(
    config: &mut Config,
    configured: &Material,
    identity: Option<&Identity>,
    progress: &Progress,
) -> Result<Own> {
    let own = Own::settle(config, configured);
    own_files::prepare(config, &own, identity, progress)?;
    Ok(own)
}

/// Sees to it that all of them are there, and reads them, too.
pub(super) fn with_own(
    config: &Config,
    own: &Own,
    configured: Material,
    progress: &Progress,
) -> Result<Material> {
    own_files::provide(config, own, progress)?;
    load(config, &configured)
}

fn load(config: &Config, before: &Material) -> Result<Material> {
    let backends = config.upstreams.iter().filter_map(|upstream| upstream.secure());
    before
        .load(listeners(config), backends)
        .context("cannot speak TLS")
}

fn listeners(config: &Config) -> impl Iterator<Item = &ListenerTls> {
    let listeners = config.frontend.listeners.iter();
    listeners.filter_map(|listener| listener.tls.as_deref())
}

/// What is worth a word about the certificates that were read, once each. Those of our own are looked after.
pub(super) fn findings(config: &Config, own: &Own, material: &Material) -> Vec<TlsFinding> {
    let routes = config.frontend.routes.iter();
    let hosts = routes.flat_map(Route::named_hosts).map(Host::to_text);
    // There is, or will be, one.
    let hosts: Vec<String> = hosts.filter(|host| !own.has(host)).collect();
    let mut findings: Vec<TlsFinding> = Vec::new();
    for finding in listeners(config).flat_map(|tls| material.findings(tls, &hosts)) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}
