//! `[upstream.NAME] tls`.

use std::path::PathBuf;

use super::Upstream;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{Absolute, Flag, Plain};
use crate::transport::Address;
use crate::transport::tls::BackendTls;
use crate::upstream::UpstreamConfig;

table! {
    /// TLS to those endpoints that have `tls:` in front of their address.
    pub(in crate::config) struct UpstreamTls for BackendTls {
        /// File with the issuers whose certificates are believed, as PEM. Default: those of the system.
        ca: PathBuf as Absolute("the issuers"),
        /// Name that the certificates have to be for. Default: the host, or the address, of each endpoint.
        name: String as Plain,
        /// File with a certificate of the gateway, and behind it those of its issuers, as PEM, for endpoints that ask for one.
        /// Default: none.
        cert: PathBuf as Absolute("the certificate"),
        /// File with its key, as PEM. Default: none.
        key: PathBuf as Absolute("the key"),
        /// Look at the certificates of endpoints. Without it, what is said is kept from those that only listen, and from no
        /// others.
        verify: bool as Flag,
    }
}

/// Rules that span several keys.
pub(super) fn check(typed: &At<Upstream>, config: &UpstreamConfig, complaints: &mut Complaints) {
    let secure = config.secure().is_some();
    if let Some(tls) = &typed.tls {
        let alone = match (&tls.cert, &tls.key) {
            (Some(cert), None) => Some((cert.span(), "key")),
            (None, Some(key)) => Some((key.span(), "cert")),
            _ => None,
        };
        if let Some((span, missing)) = alone {
            complaints.error(
                span,
                format!("a certificate and its key belong together: `{missing}` is missing"),
            );
        }
        if !secure && complaints.is_whole(typed.span()) {
            complaints
                .warning(
                    tls.span(),
                    "`tls` has no effect: no endpoint has `tls:` in front of its address",
                )
                .help("write endpoints = [\"tls:app.internal:8443\"]");
        }
    }
    let Some(place) = typed.endpoints.as_ref().filter(|_| secure) else {
        return;
    };
    if cfg!(not(feature = "tls")) {
        complaints
            .error(place.span(), "this program was built without TLS")
            .help("build it with the feature `tls`, which is one of the defaults");
    }
    let mut nameless = config.endpoints.iter().filter(|endpoint| endpoint.tls);
    if config.tls.name.is_none()
        && nameless.any(|endpoint| matches!(endpoint.address, Address::Unix(_) | Address::Abstract(_)))
    {
        complaints
            .error(
                place.span(),
                "a unix socket has no name that a certificate could be for",
            )
            .help("add tls = { name = \"app.internal\" }");
    }
}
