//! Quirks: what the profile says, unless the file says otherwise.

use std::ops::Range;

use super::{modifier, size};
use crate::config::complaints::Complaints;
use crate::config::file::{At, Upstream};
use crate::upstream::model::config::{ProtocolName, Quirks};
use crate::upstream::model::profile::Profile;

/// What the backend needs beyond its protocol; settings that its protocol has no use for are left out.
pub(super) fn check(
    typed: &Upstream,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) -> Quirks {
    warn_about_idle(typed, protocol, complaints);
    warn_about_empty_path_info(typed, profile, complaints);
    match protocol {
        ProtocolName::Http => Quirks {
            chunked_body: typed
                .chunked_body
                .as_deref()
                .copied()
                .unwrap_or(profile.quirks().chunked_body),
            ..Profile::Generic.quirks()
        },
        ProtocolName::FastCgi | ProtocolName::Scgi => variables(typed, profile, BLOCK, complaints),
        ProtocolName::Uwsgi => {
            let modifier1 = typed
                .modifier1
                .as_ref()
                .map(|typed| modifier::check(typed, complaints));
            let modifier2 = typed
                .modifier2
                .as_ref()
                .map(|typed| u8::try_from(typed.0).unwrap_or_default());
            Quirks {
                modifier1: modifier1.unwrap_or_default(),
                modifier2: modifier2.unwrap_or_default(),
                ..variables(typed, profile, UWSGI_BLOCK, complaints)
            }
        }
    }
}

fn variables(typed: &Upstream, profile: Profile, largest: u64, complaints: &mut Complaints) -> Quirks {
    let default = profile.quirks();
    let block = SMALLEST_BLOCK..=largest;
    Quirks {
        path_info: typed.path_info.as_ref().map_or(default.path_info, |form| form.0),
        empty_path_info: typed
            .empty_path_info
            .as_deref()
            .copied()
            .unwrap_or(default.empty_path_info),
        max_block: size::within(typed.max_block.as_ref(), default.max_block, block, complaints),
        max_params: typed
            .max_params
            .as_ref()
            .map_or(default.max_params, |most| most.count()),
        // These protocols never have one.
        chunked_body: true,
        ..default
    }
}

/// Settings that say something about variables or packets which the protocol does not have.
fn warn_about_idle(typed: &Upstream, protocol: ProtocolName, complaints: &mut Complaints) {
    let http = protocol == ProtocolName::Http;
    let other = protocol != ProtocolName::Uwsgi;
    let keys: [(&str, Option<Range<usize>>, bool); 7] = [
        ("path_info", typed.path_info.as_ref().map(At::span), http),
        (
            "empty_path_info",
            typed.empty_path_info.as_ref().map(At::span),
            http,
        ),
        ("max_block", typed.max_block.as_ref().map(At::span), http),
        ("max_params", typed.max_params.as_ref().map(At::span), http),
        ("chunked_body", typed.chunked_body.as_ref().map(At::span), !http),
        ("modifier1", typed.modifier1.as_ref().map(At::span), other),
        ("modifier2", typed.modifier2.as_ref().map(At::span), other),
    ];
    for (key, span, idle) in keys {
        if let (Some(span), true) = (span, idle) {
            let protocol = protocol.as_str();
            complaints.warning(
                span,
                format!("`{key}` has no effect on an upstream that speaks {protocol}"),
            );
        }
    }
}

fn warn_about_empty_path_info(typed: &Upstream, profile: Profile, complaints: &mut Complaints) {
    let php = matches!(profile, Profile::PhpFpm | Profile::PhpCgi);
    if let Some(typed) = typed.empty_path_info.as_ref().filter(|typed| php && ***typed) {
        complaints
            .warning(
                typed.span(),
                "an empty PATH_INFO is what CVE-2019-11043 needed to take over PHP-FPM",
            )
            .help("leave it out");
    }
}

/// A request of a browser does not fit into less.
const SMALLEST_BLOCK: u64 = 1024;

/// The length field of a uwsgi packet has 16 bits.
const UWSGI_BLOCK: u64 = 65_535;

/// More than any server reads.
const BLOCK: u64 = 1024 * 1024;
