//! `keep_alive`: a kept connection can cost a worker.

use super::auto::Wanted;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::profile::Profile;

/// How many idle connections to keep per endpoint.
pub(super) fn check(
    kept: Option<&At<usize>>,
    wanted: Option<Wanted>,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) -> usize {
    let Some(kept) = kept.filter(|kept| ***kept > 0) else {
        return 0;
    };
    let slots = match wanted {
        Some(Wanted::Fixed(slots)) => Some(slots),
        // Slots count idle connections, too, and there is always one for a request that waits.
        Some(Wanted::Auto) => return **kept,
        None => None,
    };
    match (protocol, slots) {
        (ProtocolName::Scgi, _) => {
            complaints.warning(
                kept.span(),
                "`keep_alive` has no effect: SCGI closes after every answer",
            );
            return 0;
        }
        // It does not say so, over HTTP or to FCGI_KEEP_CONN: the next request would find out.
        (_, _) if profile == Profile::Uwsgi => {
            let closes = "`keep_alive` has no effect: uWSGI closes after every answer";
            let warning = complaints.warning(kept.span(), closes);
            if protocol == ProtocolName::Http {
                warning.help("for an http11-socket, which does not, use `profile = \"generic\"`");
            }
            return 0;
        }
        (ProtocolName::FastCgi, None) => {
            let message = "each kept connection occupies a worker, and the number of workers is not known";
            complaints
                .warning(kept.span(), message)
                .help("set max_connections to the number of workers, such as pm.max_children");
        }
        (ProtocolName::FastCgi, Some(slots)) if **kept >= slots => {
            complaints
                .warning(
                    kept.span(),
                    format!("{} kept connections can occupy all {slots} workers", **kept),
                )
                .help(format!(
                    "keep at most {}, so that others find a worker",
                    slots - 1
                ));
        }
        (ProtocolName::FastCgi | ProtocolName::Uwsgi | ProtocolName::Http, _) => {}
    }
    **kept
}
