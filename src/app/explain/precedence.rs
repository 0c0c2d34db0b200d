//! Why a route was found, and not the next one.

use serde::Serialize;

use super::matched::Matched;
use crate::frontend::config::{Host, Path, Route};

/// What decided between the route that was found and the next one that would do.
#[derive(Debug, Serialize)]
pub(super) struct Precedence {
    pub(super) why: &'static str,
    /// The next one.
    pub(super) before: Matched,
}

impl Precedence {
    /// Between two routes that both would do.
    pub(super) fn of(found: &Route, next: &Route) -> Self {
        Self {
            why: why(found, next),
            before: Matched::rule(next),
        }
    }
}

fn why(found: &Route, next: &Route) -> &'static str {
    if found.host != next.host {
        return match (found.host.first(), next.host.first()) {
            (_, None) => "it names the host",
            (Some(Host::Pattern(_)), _) => "its pattern of hosts stands first",
            (Some(Host::Suffix(_)), Some(Host::Suffix(_))) => "it names more of the host",
            _ => "it names the host itself",
        };
    }
    match (&found.path, &next.path) {
        (Path::Pattern(_), Path::Pattern(_)) if found.when.count() == next.when.count() => "it stands first",
        (one, other) if one != other => found.path.kind(),
        _ if found.when.count() != next.when.count() => "it has more conditions",
        _ => "it stands first",
    }
}
