//! Redirects that lead to themselves.

use super::Route;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::frontend::config::Path;

/// Warns of redirects to a path that the same route answers: with the same redirect.
pub(super) fn warn(typed: &[At<Route>], complaints: &mut Complaints) {
    let prefix = |route: &At<Route>| match route.path.as_deref() {
        None => Some("/".to_owned()),
        Some(Path::Prefix(prefix)) => Some(prefix.clone()),
        Some(_) => None,
    };
    let answers = |route: &&At<Route>, path: &str| {
        let prefix = prefix(route).filter(|_| route.when.is_none());
        let rest =
            prefix.and_then(|prefix| Some(path.strip_prefix(prefix.trim_end_matches('/'))?.to_owned()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    let exactly = |route: &At<Route>, path: &str| match route.path.as_deref() {
        Some(Path::Exact(own)) => path.split('?').next() == Some(own),
        Some(Path::Pattern(pattern)) => pattern.is_match(path.as_bytes()),
        Some(Path::Suffix(suffix)) => path.ends_with(suffix.as_str()),
        _ => false,
    };
    for own in typed {
        let Some(to) = own.redirect.as_ref().and_then(|redirect| redirect.to.as_ref()) else {
            continue;
        };
        if !to.is_constant() || !to.as_str().starts_with('/') || !answers(&own, to.as_str()) {
            continue;
        }
        let length = |route: &At<Route>| prefix(route).map_or(0, |prefix| prefix.len());
        let mut others = typed.iter().filter(|other| answers(other, to.as_str()));
        let more = typed.iter().any(|other| exactly(other, to.as_str()));
        if !more && others.all(|other| length(other) <= length(own)) {
            complaints
                .warning(
                    to.span(),
                    "this route answers the target, too: with the same redirect",
                )
                .help("give the target a route of its own, with a longer path");
        }
    }
}
