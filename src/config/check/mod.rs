//! [`File`] to [`Config`]: every rule that goes beyond types, every default.
//!
//! Each function returns a value even when it complained, so that one mistake hides no other; a
//! configuration with errors is thrown away in the end.

mod account;
mod address;
mod balance;
mod deadline;
mod endpoint;
mod endpoint_option;
mod field;
mod handler;
mod health;
mod host;
mod keep_alive;
mod listener;
mod modifier;
mod network;
mod path;
mod profile;
mod quirk;
mod resolver;
mod route;
mod server;
mod size;
mod slots;
mod sticky;
mod upstream;

use std::ops::Range;

use super::Config;
use super::complaints::{Complaints, DOCUMENT};
use super::file::File;
use crate::frontend::config::Handler;
use crate::upstream::Config as Upstream;

/// Turns the typed file into settings; `complaints` tells whether they can be used.
pub(super) fn check(file: &File, complaints: &mut Complaints) -> Config {
    let upstreams: Vec<Upstream> = file
        .upstream
        .iter()
        .map(|(name, typed)| upstream::check(name, typed, complaints))
        .collect();
    let listeners = listener::check(&file.listen, complaints);
    let routes = route::check(&file.route, &upstreams, complaints);
    let places = file.upstream.keys().map(|name| name.span());
    warn_about_unused(places, &upstreams, &routes, complaints);
    if complaints.is_whole(DOCUMENT) {
        demand(file, complaints);
    }
    Config {
        server: server::process(&file.server, complaints),
        log: server::log(&file.log, complaints),
        frontend: server::frontend(&file.server, listeners, routes, complaints),
        upstreams,
    }
}

/// Complains about what no configuration can do without.
fn demand(file: &File, complaints: &mut Complaints) {
    if file.listen.is_empty() {
        complaints
            .absent("there is no address to listen on")
            .help("add a table [[listen]] with address = \"127.0.0.1:8080\"");
    }
    if file.route.is_empty() {
        complaints
            .absent("there are no routes, so every request would be answered with 404")
            .help(
                "add a table [[route]] with path = \"/\" and one of php, proxy, files, redirect, respond and status",
            );
    }
}

fn warn_about_unused(
    places: impl Iterator<Item = Range<usize>>,
    upstreams: &[Upstream],
    routes: &[crate::frontend::config::Route],
    complaints: &mut Complaints,
) {
    let used = |index| routes.iter().any(|route| target(&route.handler) == Some(index));
    if complaints.errors() > 0 {
        return;
    }
    for (index, place) in places.enumerate() {
        if !used(index) {
            complaints.warning(
                place,
                format!("no route uses the upstream `{}`", upstreams[index].name),
            );
        }
    }
}

/// The upstream that a handler sends to.
pub(super) fn target(handler: &Handler) -> Option<usize> {
    match handler {
        Handler::Php(php) => Some(php.upstream),
        Handler::Proxy(proxy) => Some(proxy.upstream),
        Handler::Files(_) | Handler::Redirect(_) | Handler::Respond(_) | Handler::Status(_) => None,
    }
}
