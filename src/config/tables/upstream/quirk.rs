//! Quirks: what the file says against the protocol or the profile.

use super::Upstream;
use crate::config::complaints::Complaints;
use crate::config::units::{Named, Size, SizeWithin};
use crate::protocol::params::PathInfo;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::profile::Profile;

/// Complains about settings that go against the protocol or the profile.
pub(super) fn check(typed: &Upstream, protocol: ProtocolName, profile: Profile, complaints: &mut Complaints) {
    let php = matches!(profile, Profile::PhpFpm | Profile::PhpCgi);
    if let Some(typed) = typed.empty_path_info.as_ref().filter(|typed| php && ***typed) {
        complaints
            .warning(
                typed.span(),
                "an empty PATH_INFO is what CVE-2019-11043 needed to take over PHP-FPM",
            )
            .help("leave it out");
    }
    let path_info = typed.path_info.as_deref().copied();
    let path_info = path_info.unwrap_or(profile.quirks().path_info);
    if let Some(typed) = typed.normalize.as_ref().filter(|typed| ***typed)
        && protocol != ProtocolName::Http
        && path_info == PathInfo::Decoded
    {
        complaints
            .warning(
                typed.span(),
                "`normalize` has no effect: a decoded PATH_INFO always is in normal form",
            )
            .help("REQUEST_URI stays what the client has sent");
    }
    let most = UWSGI_BLOCK;
    if let Some(typed) = typed.max_block.as_ref().filter(|typed| ***typed > most as usize)
        && protocol == ProtocolName::Uwsgi
    {
        let most = Size(most);
        complaints.error(typed.span(), format!("too large: at most {most}"));
    }
}

/// Variable blocks: a request of a browser does not fit into less, and more is not read by any server.
pub(super) const BLOCK: SizeWithin = SizeWithin {
    least: 1024,
    most: 1024 * 1024,
};

/// The length field of a uwsgi packet has 16 bits.
const UWSGI_BLOCK: u64 = 65_535;

impl Named for PathInfo {
    const KIND: &'static str = "form of the path";
    const NAMES: &'static [(&'static str, Self)] = &[("decoded", Self::Decoded), ("encoded", Self::Encoded)];
}
