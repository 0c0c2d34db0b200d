//! `protocol` and `profile`: which goes with which.

use crate::config::complaints::Complaints;
use crate::config::file::{At, Name, Section, Upstream};
use crate::config::suggest;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::profile::Profile;

/// What the endpoints speak, and what kind of server they are.
pub(super) fn check(typed: &Section<Upstream>, complaints: &mut Complaints) -> (ProtocolName, Profile) {
    let profile = typed
        .profile
        .as_ref()
        .map_or(Profile::Generic, |profile| profile.0);
    let spoken = profile.protocols();
    let protocol = match (&typed.protocol, spoken) {
        (Some(protocol), _) => {
            compare(protocol, typed.profile.as_ref(), complaints);
            protocol.0
        }
        (None, [only]) => *only,
        (None, _) => {
            missing(typed, spoken, complaints);
            ProtocolName::FastCgi
        }
    };
    (protocol, profile)
}

fn compare(
    protocol: &At<Name<ProtocolName>>,
    profile: Option<&At<Name<Profile>>>,
    complaints: &mut Complaints,
) {
    let Some(profile) = profile else { return };
    let spoken = profile.0.protocols();
    if !spoken.contains(&protocol.0) {
        complaints
            .error(
                protocol.span(),
                format!("{} does not speak {}", **profile, **protocol),
            )
            .related(profile.span(), "the profile")
            .help(format!("{} speaks {}", **profile, names(spoken)));
    }
}

fn missing(typed: &Section<Upstream>, spoken: &[ProtocolName], complaints: &mut Complaints) {
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
