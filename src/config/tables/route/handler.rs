//! The one handler of a route.

use std::ops::Range;

use super::{Route, files, php, proxy, redirect, respond};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::table::Fill;
use crate::frontend::config::{Handler, Status};
use crate::upstream::Config as Upstream;

/// The handler of a route; `None` when it has none or too many.
pub(super) fn check(
    route: &At<Route>,
    prefix: &str,
    upstreams: &[Upstream],
    complaints: &mut Complaints,
) -> Option<Handler> {
    if !is_single(route, complaints) {
        return None;
    }
    if let Some(typed) = &route.php {
        return php::check(typed, upstreams, complaints).map(Handler::Php);
    }
    if let Some(typed) = &route.proxy {
        return proxy::check(typed, prefix, upstreams, complaints).map(Handler::Proxy);
    }
    if let Some(typed) = &route.files {
        return Some(Handler::Files(files::check(typed, complaints)));
    }
    if let Some(typed) = &route.redirect {
        return Some(Handler::Redirect(redirect::check(typed, complaints)));
    }
    if let Some(typed) = &route.respond {
        return Some(Handler::Respond(respond::check(typed, complaints)));
    }
    let mut status = Status::default();
    Fill::fill(&**route.status.as_ref()?, &mut status);
    Some(Handler::Status(status))
}

/// Puts the handler into its key.
pub(super) fn show(handler: &Handler, upstreams: &[Upstream], route: &mut Route) {
    match handler {
        Handler::Php(php) => route.php = Some(php::shown(php, upstreams)),
        Handler::Proxy(proxy) => route.proxy = Some(proxy::shown(proxy, upstreams)),
        Handler::Files(files) => route.files = Fill::of(files).map(At::nowhere),
        Handler::Redirect(redirect) => route.redirect = Fill::of(redirect).map(At::nowhere),
        Handler::Respond(respond) => route.respond = Fill::of(respond).map(At::nowhere),
        Handler::Status(status) => route.status = Fill::of(status).map(At::nowhere),
    }
}

/// The upstream that a handler sends to.
pub(in crate::config::tables) fn upstream(handler: &Handler) -> Option<usize> {
    match handler {
        Handler::Php(php) => Some(php.upstream),
        Handler::Proxy(proxy) => Some(proxy.upstream),
        Handler::Files(_) | Handler::Redirect(_) | Handler::Respond(_) | Handler::Status(_) => None,
    }
}

/// The keys of handlers, as a list in words.
pub(in crate::config::tables) fn names() -> String {
    suggest::list(keys(&Route::default()).map(|(name, _)| name))
}

/// The key of every handler, and where the route has it.
fn keys(route: &Route) -> [(&'static str, Option<Range<usize>>); 6] {
    [
        ("php", route.php.as_ref().map(At::span)),
        ("proxy", route.proxy.as_ref().map(At::span)),
        ("files", route.files.as_ref().map(At::span)),
        ("redirect", route.redirect.as_ref().map(At::span)),
        ("respond", route.respond.as_ref().map(At::span)),
        ("status", route.status.as_ref().map(At::span)),
    ]
}

fn is_single(route: &At<Route>, complaints: &mut Complaints) -> bool {
    let keys = keys(route).into_iter();
    let present: Vec<_> = keys.filter_map(|(name, span)| Some((name, span?))).collect();
    match present.as_slice() {
        [_] => return true,
        [] if complaints.is_whole(route.span()) => {
            complaints
                .error(route.span(), "the route has no handler")
                .help(format!("add one of {}", names()));
        }
        [] => {}
        [(one, first), (two, second), ..] => {
            complaints
                .error(
                    second.clone(),
                    format!("the route has more than one handler: `{one}` and `{two}`"),
                )
                .related(first.clone(), "the other")
                .help("make it two routes");
        }
    }
    false
}
