//! What will not work as it is, told before it is needed. Nothing more than a warning: it may come right by then.

use super::material;
use super::progress::Progress;
use crate::app::own::Own;
use crate::config::Config;
use crate::transport::tls::Material;
use crate::transport::{Address, Obstacle};
use crate::upstream::UpstreamConfig;

/// Looks at what a configuration names; the upstreams of the one before were looked at.
pub(super) fn tell(
    config: &Config,
    before: &[UpstreamConfig],
    (own, held): (&Own, &Material),
    progress: &Progress,
) {
    for finding in material::findings(config, own, held) {
        tracing::warn!(%finding, "certificates");
    }
    let fresh = config.upstreams.iter().filter(|config| !before.contains(config));
    for upstream in fresh.filter(|upstream| upstream.warn_unreachable) {
        tell_of_endpoints(upstream, progress);
    }
}

/// A wrong group or a missing directory is better told now than with the first request. An application may well start
/// after us.
fn tell_of_endpoints(upstream: &UpstreamConfig, progress: &Progress) {
    for endpoint in &upstream.endpoints {
        if let Address::Unix(path) = &endpoint.address {
            let setting = format!("[upstream.{}] endpoints", upstream.name);
            progress.at("the way to an endpoint", setting, path.display());
            if let Some(obstacle) = Obstacle::find(path) {
                tracing::warn!(upstream = %upstream.name, %obstacle, "endpoint cannot be reached yet");
            }
        }
    }
}
