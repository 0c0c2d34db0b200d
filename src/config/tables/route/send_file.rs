//! `send_file` of a route.

use std::path::PathBuf;

use super::Route;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::Text;
use crate::frontend::config::{Handler, Path, Route as Settings, SendFile};

/// `"@media"`: the name of a route.
pub(super) const ROUTE_NAME: Text<String> = Text {
    words: "`\"@NAME\"`",
    read,
    show: |name| format!("@{name}"),
};

fn read(typed: &At<String>, complaints: &mut Complaints) -> Option<String> {
    let name = typed.strip_prefix('@').filter(|name| !name.is_empty());
    if name.is_none() {
        complaints
            .error(typed.span(), "not the name of a route")
            .help("write \"@media\", and give a route with `files` that as its `path`");
    }
    name.map(str::to_owned)
}

/// The routes that an application may have files of, as they would be typed.
pub(super) fn shown(from: &[SendFile]) -> Option<At<Vec<String>>> {
    let names: Vec<String> = from.iter().map(|from| from.route.clone()).collect();
    (!names.is_empty()).then(|| At::nowhere(names))
}

/// Tells each application which directories its routes have.
pub(super) fn check(typed: &[At<Route>], routes: &mut [Settings], complaints: &mut Complaints) {
    // Only of a file without mistakes the routes are those that were typed.
    if typed.len() != routes.len() {
        return;
    }
    for (number, typed) in typed.iter().enumerate() {
        let Some(from) = &typed.send_file else { continue };
        let mut found = Vec::new();
        for name in from.iter() {
            match root(name, routes) {
                Some(Some(root)) => found.push(SendFile {
                    route: name.clone(),
                    root,
                }),
                Some(None) => {
                    complaints
                        .error(from.span(), format!("the route `@{name}` has no `files`"))
                        .help("an application names files: only routes with `files` have some");
                }
                // Told with all names that no route has.
                None => {}
            }
        }
        if routes[number].handler.upstream().is_some() {
            routes[number].accel.send_file = found;
        }
    }
}

/// The directory of the route of a name; nothing without `files`.
fn root(name: &str, routes: &[Settings]) -> Option<Option<PathBuf>> {
    let is_it = |route: &&Settings| matches!(&route.path, Path::Named(own) if own == name);
    let route = routes.iter().find(is_it)?;
    Some(match &route.handler {
        Handler::Files(files) => Some(files.root.path().to_owned()),
        _ => None,
    })
}
