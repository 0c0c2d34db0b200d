//! `keep_alive`: a kept connection can cost a worker.

use crate::config::complaints::Complaints;
use crate::config::file::{Slots, Upstream};
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::profile::Profile;

/// How many idle connections to keep per endpoint.
pub(super) fn check(
    typed: &Upstream,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) -> usize {
    let Some(kept) = typed.keep_alive.as_ref().filter(|kept| kept.0 > 0) else {
        return 0;
    };
    let slots = match typed.max_connections.as_deref() {
        Some(Slots::Fixed(slots)) => Some(*slots),
        // Slots count idle connections, too, and there is always one for a request that waits.
        Some(Slots::Auto) => return kept.count(),
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
        (ProtocolName::FastCgi, Some(slots)) if kept.0 >= slots => {
            complaints
                .warning(
                    kept.span(),
                    format!("{} kept connections can occupy all {slots} workers", kept.0),
                )
                .help(format!(
                    "keep at most {}, so that others find a worker",
                    slots - 1
                ));
        }
        (ProtocolName::FastCgi | ProtocolName::Uwsgi | ProtocolName::Http, _) => {}
    }
    kept.count()
}
