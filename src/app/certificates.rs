//! The certificates of a configuration that nothing serves yet: for `bridgehead check`, and for the log of a start.

use anyhow::Result;

use super::open::{Progress, material};
use crate::config::Config;
use crate::transport::tls::{Material, TlsFinding};

/// Reads the files of every listener with TLS, as a start would, and gives what is worth a word about them.
///
/// # Errors
///
/// When a listener cannot speak TLS with them.
pub fn inspect(config: &Config) -> Result<Vec<TlsFinding>> {
    let material = material(config, &Material::default(), &Progress::default())?;
    Ok(findings(config, &material))
}

/// What is worth a word, once each.
pub(super) fn findings(config: &Config, material: &Material) -> Vec<TlsFinding> {
    let routes = config.frontend.routes.iter();
    let hosts: Vec<String> = routes
        .filter_map(|route| Some(route.host.as_ref()?.to_text()))
        .collect();
    let listeners = config
        .frontend
        .listeners
        .iter()
        .filter_map(|listener| listener.tls.as_deref());
    let mut findings: Vec<TlsFinding> = Vec::new();
    for finding in listeners.flat_map(|tls| material.findings(tls, &hosts)) {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}
