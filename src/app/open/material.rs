//! The files of listeners and upstreams with TLS.

use anyhow::{Context, Result};

use super::progress::Progress;
use crate::config::Config;
use crate::transport::tls::{Material, TlsFinding};

/// Reads those that are not as they were `before`.
pub(in crate::app) fn material(config: &Config, before: &Material, progress: &Progress) -> Result<Material> {
    let listeners = || {
        config
            .frontend
            .listeners
            .iter()
            .filter_map(|listener| listener.tls.as_deref())
    };
    let first = listeners().flat_map(|tls| &tls.certificates).next();
    if let Some(first) = first {
        progress.at("the certificates", "[tls] certificates", first.cert.display());
    }
    let backends = config.upstreams.iter().filter_map(|upstream| upstream.secure());
    before.load(listeners(), backends).context("cannot speak TLS")
}

/// What is worth a word about the certificates that were read, once each.
pub(super) fn findings(config: &Config, material: &Material) -> Vec<TlsFinding> {
    let routes = config.frontend.routes.iter();
    let hosts: Vec<String> = routes
        .flat_map(|route| &route.host)
        .filter(|host| host.pattern().is_none())
        .map(|host| host.to_text())
        .collect();
    let listeners = config.frontend.listeners.iter();
    let secure = listeners.filter_map(|listener| listener.tls.as_deref());
    let mut findings: Vec<TlsFinding> = Vec::new();
    for finding in secure.flat_map(|tls| material.findings(tls, &hosts)) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}
