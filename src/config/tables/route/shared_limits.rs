//! `limits.shared` of a route.

use super::Route;
use super::limits::Limits;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;

/// Names that a route gives, each once: its snippets may say one, too.
pub(super) fn names(typed: &Limits) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in typed.shared.iter().flat_map(|names| names.iter()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Complains about names that no limit has, and about limits that no route names.
pub(in crate::config::tables) fn check(
    routes: &[At<Route>],
    limits: &[&At<String>],
    complaints: &mut Complaints,
) {
    let known = || limits.iter().map(|name| name.as_str());
    let wanted = || {
        routes
            .iter()
            .filter_map(|route| route.limits.as_ref()?.shared.as_ref())
    };
    for wanted in wanted() {
        for name in wanted
            .iter()
            .filter(|name| known().all(|known| known != name.as_str()))
        {
            let help = match suggest::nearest(name, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add a table [limit.{name}]"),
            };
            complaints
                .error(
                    complaints.part(wanted.span(), name),
                    format!("there is no limit `{name}`"),
                )
                .help(help);
        }
    }
    for name in limits {
        if !wanted().any(|wanted| wanted.iter().any(|wanted| **wanted == ***name)) {
            complaints.warning(name.span(), format!("no route names the limit `{}`", ***name));
        }
    }
}
