//! The files of listeners and upstreams with TLS.

use anyhow::{Context, Result};

use super::progress::Progress;
use crate::config::Config;
use crate::transport::tls::Material;

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
