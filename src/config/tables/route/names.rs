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
        for (name, place) in led_to(route) {
            if !names.contains(&name) {
                unknown(name, place, &names, complaints);
            }
        }
        refuse_rules(route, complaints);
    }
    // Whether anything leads to a name is known only of a file without mistakes.
    if routes.len() < typed.len() || complaints.errors() > 0 {
        return;
    }
    for (typed, unused) in typed.iter().zip(unused(routes)) {
        if let Some(path) = typed.path.as_ref().filter(|_| unused) {
            complaints
                .warning(path.span(), format!("no route leads to `{}`", path.to_text()))
                .help("`internal = true` says that an application does, by X-Accel-Redirect");
        }
    }
}

/// The name of a route that has one.
pub(super) fn name(route: &Route) -> Option<&str> {
    match route.path.as_deref() {
        Some(Path::Named(name)) => Some(name),
        _ => None,
    }
}

/// The names that a route leads to, and where it says so.
fn led_to(route: &Route) -> Vec<(&str, Range<usize>)> {
    let fallback = route.files.as_ref().and_then(|files| files.r#else.as_ref());
    let fallback = fallback.and_then(|typed| match &**typed {
        Fallback::Route(name) => Some((name.as_str(), typed.span())),
        Fallback::Target(_) => None,
    });
    let errors = route.errors.iter();
    let pages = errors.flat_map(|typed| typed.names().map(|name| (name, typed.span())));
    let send_file = route.send_file.iter();
    let files = send_file.flat_map(|typed| typed.iter().map(|name| (name.as_str(), typed.span())));
    fallback.into_iter().chain(pages).chain(files).collect()
}

/// Which routes have a name that leads nowhere.
fn unused(routes: &[Settings]) -> Vec<bool> {
    let is_led_to = |name: &str| routes.iter().any(|route| route.leads_to().any(|to| to == name));
    let is_unused = |route: &Settings| match &route.path {
        Path::Named(name) => !route.internal && !is_led_to(name),
        _ => false,
    };
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
