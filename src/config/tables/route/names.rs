//! Routes with names, and what leads to them.

use std::ops::Range;

use super::Route;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::frontend::config::{Fallback, Path, Route as Settings};

/// Complains about names without a route, and about hosts and conditions of routes that only names lead to.
pub(super) fn check(typed: &[At<Route>], routes: &[Settings], complaints: &mut Complaints) {
    let names: Vec<&str> = typed.iter().filter_map(|route| name(route)).collect();
    for route in typed {
        if let Some(Fallback::Route(name)) = fallback(route).map(|fallback| &**fallback)
            && !names.contains(&name.as_str())
        {
            let place = fallback(route).map_or(route.span(), |fallback| fallback.span());
            unknown(name, place, &names, complaints);
        }
        refuse_rules(route, complaints);
    }
    // Whether anything leads to a name is known only of a file without mistakes.
    if routes.len() < typed.len() || complaints.errors() > 0 {
        return;
    }
    for (typed, unused) in typed.iter().zip(unused(routes)) {
        if let Some(path) = typed.path.as_ref().filter(|_| unused) {
            complaints.warning(path.span(), format!("no route leads to `{}`", path.to_text()));
        }
    }
}

fn name(route: &Route) -> Option<&str> {
    match route.path.as_deref() {
        Some(Path::Named(name)) => Some(name),
        _ => None,
    }
}

fn fallback(route: &Route) -> Option<&At<Fallback>> {
    route.files.as_ref()?.r#else.as_ref()
}

/// Which routes have a name that leads nowhere.
fn unused(routes: &[Settings]) -> Vec<bool> {
    let led_to = |name: &str| {
        let leads =
            |route: &Settings| matches!(route.handler.fallback(), Some(Fallback::Route(to)) if to == name);
        routes.iter().any(leads)
    };
    let is_unused = |route: &Settings| matches!(&route.path, Path::Named(name) if !led_to(name));
    routes.iter().map(is_unused).collect()
}

fn unknown(name: &str, place: Range<usize>, names: &[&str], complaints: &mut Complaints) {
    let help = match suggest::nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `@{near}`?"),
        None => format!("give a route path = \"@{name}\""),
    };
    complaints
        .error(place, format!("there is no route with the name `@{name}`"))
        .help(help);
}

fn refuse_rules(route: &Route, complaints: &mut Complaints) {
    if name(route).is_none() {
        return;
    }
    let host = route.host.as_ref().map(At::span);
    let when = route.when.as_ref().map(At::span);
    for place in [host, when].into_iter().flatten() {
        complaints
            .error(place, "has no effect on a route with a name")
            .help("other routes lead there, whatever the request is");
    }
}
