//! `[[route]]`.

mod buffering;
mod charset;
mod compress;
mod document_root;
mod field;
mod file_name;
mod files;
mod handler;
mod host;
mod limits;
mod pass_headers;
mod path;
mod php;
mod proxy;
mod redirect;
mod respond;
mod status;
mod status_code;
mod target;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use buffering::Buffering;
use bytes::Bytes;
use compress::Compress;
use field::{Headers, Params};
use files::Files;
use handler::{HandlerTable, Place, handlers};
use host::HOST;
use limits::Limits;
use path::PREFIX;
use php::Php;
use proxy::Proxy;
use redirect::Redirect;
use respond::Respond;
use status::Status;

use super::WITH_VARIABLES;
use super::tls::{self, Client};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::{FlagOrSection, Section, Switch, table};
use crate::config::units::{Flag, List, Name, Time};
use crate::frontend::config::{Handler, Host, ResponseHeaders, Route as Settings};
use crate::protocol::fields::FieldName;
use crate::transport::tls::ClientAuth;
use crate::upstream::UpstreamConfig;
use crate::upstream::model::config::ProtocolName;

pub(super) use handler::names;

table! {
    /// A match rule and what answers: exactly one of `php`, `proxy`, `files`, `redirect`, `respond` and `status`.
    pub(in crate::config) struct Route for Settings {
        /// Host of the request: `"shop.example"`, which applications get as `SERVER_NAME`, or `"*.example"`. Neither case nor
        /// the dot of the root make another host. Default: every host.
        host: Host as HOST,
        /// How the path of the request begins, up to a slash; of the routes of a host, the longest path wins.
        path: String as PREFIX,
        /// Certificates of the clients of this host, in place of what the listener says. TLS asks for them before there is a
        /// path: it holds for all routes of the `host`. Default: as the listener says.
        client: Client as Section,
        php: Php as Section => _,
        proxy: Proxy as Section => _,
        files: Files as Section => _,
        redirect: Redirect as Section => _,
        respond: Respond as Section => _,
        status: Status as Section => _,
        limits: Limits as Section,
        buffering: Buffering as Section,
        /// Extra variables for the application: `{ APP_ENV = "production" }`. They take the place of ours of the same name,
        /// such as `SERVER_SOFTWARE`, which is `bridgehead/VERSION (like nginx)`. Default: none.
        params: Arc<[(String, Bytes)]> as Params; only WITH_VARIABLES,
        /// Fields set on every response of this route, except on errors of the gateway itself:
        /// `{ X-Frame-Options = "DENY" }`. Values may have variables, `"$host"`; two dollars are one. Default: none.
        headers: ResponseHeaders as Headers,
        compress: Switch<Compress> as FlagOrSection => _,
        /// Fields of the application that clients get all the same: `["Server"]`, or those for another server in front of
        /// this one, `["X-Accel-Redirect"]`. Default: none.
        pass_headers: Vec<FieldName> as List(Name); only &["php", "proxy"],
        /// Let the application finish when the client leaves.
        ignore_client_abort: bool as Flag; only &["php", "proxy"],
        /// Requests on this route that take so long have a warning in the error log; `"0s"`: none, for answers that take
        /// their time. Default: `slow` of `[log]`.
        slow: Duration as Time,
    }
    example = r#"[[route]]
host = "shop.example"
php = { upstream = "php", root = "/srv/shop/public", front_controller = "/index.php" }
limits = { body = "1GiB" }

[[route]]
path = "/api"
proxy = { upstream = "api" }
headers = { X-Frame-Options = "DENY" }

[[route]]
host = "*.old.example"
redirect = { to = "https://shop.example", status = 308 }

[[route]]
path = "/metrics"
status = { allow = ["10.0.0.0/8"] }
"#;
}

handlers! { of Route:
    php: Php,
    proxy: Proxy,
    files: Files,
    redirect: Redirect,
    respond: Respond,
    status: Status,
}

/// The route as it would be typed.
pub(super) fn shown(route: &Settings, upstreams: &[UpstreamConfig]) -> Route {
    let mut shown = Route::plain(route);
    shown.show_handler(&route.handler, upstreams);
    shown.params = shown.params.filter(|params| !params.is_empty());
    shown.headers = shown.headers.filter(|headers| !headers.is_empty());
    shown.pass_headers = shown.pass_headers.filter(|fields| !fields.is_empty());
    shown.compress = Some(At::nowhere(Compress::shown(route.compress.as_ref())));
    if route.handler.upstream().is_none() {
        shown.ignore_client_abort = None;
    }
    shown
}

/// Every route, in the order of the file.
pub(super) fn check(
    typed: &[At<Route>],
    upstreams: &[UpstreamConfig],
    complaints: &mut Complaints,
) -> Vec<Settings> {
    refuse_duplicates(typed, complaints);
    check_clients(typed, complaints);
    warn_of_circles(typed, complaints);
    typed
        .iter()
        .filter_map(|typed| route(typed, upstreams, complaints))
        .collect()
}

fn refuse_duplicates(typed: &[At<Route>], complaints: &mut Complaints) {
    let mut seen: BTreeMap<(String, &str), Range<usize>> = BTreeMap::new();
    for typed in typed {
        let host = typed.host.as_deref().map(host::text).unwrap_or_default();
        let path = typed.path.as_deref().map_or("/", String::as_str);
        let place = typed.path.as_ref().map_or(typed.span(), At::span);
        if let Some(first) = seen.get(&(host.clone(), path)) {
            complaints
                .error(
                    place.clone(),
                    format!("there is a route for `{host}{path}` already"),
                )
                .related(first.clone(), "here");
        }
        seen.entry((host, path)).or_insert(place);
    }
}

/// What is asked of clients holds for a host, and is one thing.
fn check_clients(typed: &[At<Route>], complaints: &mut Complaints) {
    let mut seen: BTreeMap<String, (ClientAuth, Range<usize>)> = BTreeMap::new();
    for typed in typed {
        let Some(client) = &typed.client else { continue };
        tls::check_client(client, complaints);
        let Some(host) = typed.host.as_deref() else {
            complaints
                .error(
                    client.span(),
                    "certificates of clients are asked for by host, and this route has none",
                )
                .help("give the route a `host`, or write `client` in [tls] or in `tls` of a [[listen]]");
            continue;
        };
        let mut auth = ClientAuth::default();
        client.apply_to(&mut auth);
        let (first, place) = seen
            .entry(host.to_text())
            .or_insert_with(|| (auth.clone(), client.span()));
        if *first != auth {
            complaints
                .error(
                    client.span(),
                    format!("something else is asked of the clients of `{}`", host.to_text()),
                )
                .related(place.clone(), "here");
        }
    }
}

/// Warns of redirects to a path that the same route answers: with the same redirect.
fn warn_of_circles(typed: &[At<Route>], complaints: &mut Complaints) {
    let prefix = |route: &At<Route>| route.path.as_deref().map_or("/", String::as_str).to_owned();
    let answers = |route: &&At<Route>, path: &str| {
        let rest = path.strip_prefix(prefix(route).trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    for own in typed {
        let Some(to) = own.redirect.as_ref().and_then(|redirect| redirect.to.as_ref()) else {
            continue;
        };
        if !to.is_constant() || !to.as_str().starts_with('/') || !answers(&own, to.as_str()) {
            continue;
        }
        let mut others = typed.iter().filter(|other| answers(other, to.as_str()));
        if others.all(|other| prefix(other).len() <= prefix(own).len()) {
            complaints
                .warning(
                    to.span(),
                    "this route answers the target, too: with the same redirect",
                )
                .help("give the target a route of its own, with a longer path");
        }
    }
}

fn route(typed: &At<Route>, upstreams: &[UpstreamConfig], complaints: &mut Complaints) -> Option<Settings> {
    let mut route = Settings::default();
    let buffered = typed
        .buffering
        .as_ref()
        .and_then(|typed| typed.request.as_deref());
    if buffered == Some(&false) {
        // A client that streams may have nothing to say for a while.
        route.limits.upload_rate = 0;
    }
    typed.apply_to(&mut route);
    let place = Place {
        prefix: &route.path,
        upstreams,
    };
    let handler = handler::check(typed, place, complaints);
    buffering::check(
        typed.buffering.as_ref(),
        &route.buffering,
        &route.limits,
        complaints,
    );
    route.handler = handler?;
    route.compress = typed.compress.as_deref().and_then(Compress::settings);
    let upstream = route.handler.upstream().and_then(|index| upstreams.get(index));
    buffering::tell_of_lengths(typed.buffering.as_ref(), upstream, complaints);
    let protocol = upstream.map(|upstream| upstream.protocol);
    if matches!(protocol, None | Some(ProtocolName::Http)) {
        route.params = Arc::default();
        warn_about_params(typed, complaints);
    }
    if protocol.is_none() {
        route.ignore_client_abort = false;
        route.pass_headers = Vec::new();
        warn_about_applications(typed, complaints);
    }
    Some(route)
}

/// Complains about extra variables where there are no variables.
fn warn_about_params(typed: &Route, complaints: &mut Complaints) {
    if let Some(params) = &typed.params {
        complaints
            .warning(params.span(), "`params` has no effect here")
            .help("variables exist in FastCGI, uwsgi and SCGI only");
    }
}

/// Complains about what is said of an application where there is none.
fn warn_about_applications(typed: &Route, complaints: &mut Complaints) {
    let abort = typed.ignore_client_abort.as_ref().map(At::span);
    let pass = typed.pass_headers.as_ref().map(At::span);
    for (key, span) in [("pass_headers", pass), ("ignore_client_abort", abort)] {
        if let Some(span) = span {
            complaints.warning(
                span,
                format!("`{key}` has no effect: no application answers here"),
            );
        }
    }
}
