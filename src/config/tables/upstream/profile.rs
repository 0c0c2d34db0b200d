//! `protocol` and `profile`: which goes with which.

use super::Upstream;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::units::Named;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::profile::Profile;

/// What the endpoints speak, and what kind of server they are.
pub(super) fn check(typed: &At<Upstream>, complaints: &mut Complaints) -> (ProtocolName, Profile) {
    let profile = typed.profile.as_deref().copied().unwrap_or(Profile::Generic);
    let spoken = profile.protocols();
    let protocol = match (&typed.protocol, spoken) {
        (Some(protocol), _) => {
            compare(protocol, typed.profile.as_ref(), complaints);
            **protocol
        }
        (None, [only]) => *only,
        (None, _) => {
            missing(typed, spoken, complaints);
            ProtocolName::FastCgi
        }
    };
    (protocol, profile)
}

fn compare(protocol: &At<ProtocolName>, profile: Option<&At<Profile>>, complaints: &mut Complaints) {
    let Some(profile) = profile else { return };
    let spoken = profile.protocols();
    if !spoken.contains(protocol) {
        let name = profile.name();
        complaints
            .error(
                protocol.span(),
                format!("{name} does not speak {}", protocol.as_str()),
            )
            .related(profile.span(), "the profile")
            .help(format!("{name} speaks {}", names(spoken)));
    }
}

fn missing(typed: &At<Upstream>, spoken: &[ProtocolName], complaints: &mut Complaints) {
    if !complaints.is_whole(typed.span()) {
        return;
    }
    let choices: Vec<String> = spoken
        .iter()
        .map(|name| format!("protocol = \"{}\"", name.as_str()))
        .collect();
    let place = typed.profile.as_ref().map_or(typed.span(), At::span);
    complaints
        .error(place, "`protocol` is missing")
        .help(format!("add {}", choices.join(" or ")));
}

fn names(protocols: &[ProtocolName]) -> String {
    suggest::list(protocols.iter().map(|protocol| protocol.as_str()))
}

impl Named for ProtocolName {
    const KIND: &'static str = "protocol";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("fastcgi", Self::FastCgi),
        ("uwsgi", Self::Uwsgi),
        ("scgi", Self::Scgi),
        ("http", Self::Http),
    ];
}

impl Named for Profile {
    const KIND: &'static str = "profile";
    const NAMES: &'static [(&'static str, Self)] = &Self::ALL;
}
