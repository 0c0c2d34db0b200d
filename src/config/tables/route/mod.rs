//! `[[route]]`.

mod access;
mod buffering;
mod cgi;
mod charset;
mod circles;
mod compress;
mod cookies;
mod cors;
mod delivery;
mod document_root;
mod duplicates;
mod errors;
mod expires;
mod fallback;
mod field;
mod file_name;
mod files;
mod handler;
mod host;
mod limits;
mod listing;
mod log;
mod maintenance;
mod names;
mod pass_headers;
mod path;
mod php;
mod proxy;
mod redirect;
mod request;
mod respond;
mod rewrite;
mod send_file;
mod shared_limits;
mod status;
mod target;
mod timeouts;
mod when;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use access::Access;
use buffering::Buffering;
use cgi::Cgi;
use compress::Compress;
use cookies::Cookies;
use cors::Cors;
use errors::ErrorPages;
use field::{Headers, Params};
use files::Files;
use handler::{HandlerTable, Place, handlers};
use host::HOST;
use limits::Limits;
use log::RouteLog;
use maintenance::Maintenance;
use path::PATH;
use php::Php;
use proxy::Proxy;
use redirect::Redirect;
use request::Request;
use respond::Respond;
use rewrite::Rewrite;
use send_file::ROUTE_NAME;
use status::Status;
use timeouts::RouteTimeouts;
use when::When;

use super::WITH_VARIABLES;
use super::tls::{self, Client};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::suggest;
use crate::config::table::{Fill, FlagOrSection, Repeated, Section, Switch, table};
use crate::config::units::{Flag, List, Name, OneOrMore, Plain, Time, Unit};
use crate::frontend::config::{
    Accel, CookieAttributes, Errors, ExtraParams, Handler, Host, Listener, Onward, Path, Pattern,
    ResponseHeaders, Route as Settings,
};
use crate::protocol::fields::FieldName;
use crate::transport::tls::ClientAuth;
use crate::upstream::UpstreamConfig;
use crate::upstream::model::config::ProtocolName;

pub(super) use handler::names;
pub(super) use shared_limits::check as check_limits;

table! {
    /// A match rule and what answers: exactly one of `php`, `cgi`, `proxy`, `files`, `redirect`, `respond`, `rewrite`
    /// and `status`.
    pub(in crate::config) struct Route for Settings {
        /// Host of the request, or several: `"shop.example"`, which applications get as `SERVER_NAME` where it is the only
        /// one; `"*.example"`; or a pattern, `"~ ^www\\.(?<domain>.+)$"`. Neither case nor the dot of the root make another
        /// host. Of several routes an exact host wins, then the longest `*.`, then the first pattern. Default: every host.
        host: Vec<Host> as OneOrMore(HOST),
        /// Path of the request, decoded and in normal form, as behind nginx's `location`: how it begins, up to a slash,
        /// `"/blog"`; all of it, `"= /exact"`; its end, `"*.php"`; a pattern, `"~ ^/(?<year>[0-9]+)/"`, or `"~* \\.png$"`
        /// where case does not matter. An exact path wins, then the first pattern, then the longest end, then the longest
        /// beginning; one with `"^~ /static"` lets no pattern and no end come before it. What a pattern names is a variable
        /// of its route: `$year`, or `$1`. A route with a name, `"@app"`, is for other routes alone. See
        /// [sites.md](sites.md#locations).
        path: Path as PATH,
        when: When as Section,
        /// Certificates of the clients of this host, in place of what the listener says. TLS asks for them before there is a
        /// path: it holds for all routes of the `host`. Default: as the listener says.
        client: Client as Section,
        access: Access as Section => _,
        maintenance: Maintenance as Section => _,
        /// Snippets that the route takes and adds to: `["secure"]`. Default: none.
        r#use: Vec<String> as OneOrMore(Plain) => _,
        /// Only other routes lead here, by `rewrite`, `else` or `errors`, and applications by `X-Accel-Redirect`: a client that
        /// asks for it finds nothing.
        internal: bool as Flag,
        php: Php as Section => _,
        cgi: Cgi as Section => _,
        proxy: Proxy as Section => _,
        files: Files as Section => _,
        redirect: Redirect as Section => _,
        respond: Respond as Section => _,
        rewrite: Rewrite as Section => _,
        status: Status as Section => _,
        /// Pages in place of errors, by their statuses or by a class of them: `{ 404 = "/404.html", 5xx = "@sorry" }`. A path
        /// of ours answers as a GET, a route by its name, and a client is sent to `"https://status.example"`. It gets the status of the error, unless the page is a
        /// table: `{ to = "/empty.gif", status = 200 }`, where `status = "own"` leaves it to what answers. `intercept = true`
        /// gives the errors of the application their pages, too. Default: none.
        errors: Errors as ErrorPages,
        /// Whether `X-Accel-Redirect`, `X-Accel-Limit-Rate` and `X-Accel-Charset` of the application are heeded. What it names may
        /// be a route that is `internal`.
        accel: bool as Flag => accel.enabled; only &["php", "cgi", "proxy"],
        /// Routes with a name and `files`, below whose directories the application may have files sent, by `X-Sendfile` or
        /// `X-LIGHTTPD-send-file` with the whole name of a file: `["@media"]`. Default: none, and the fields are dropped.
        send_file: Vec<String> as OneOrMore(ROUTE_NAME) => _; only &["php", "cgi", "proxy"],
        limits: Limits as Section => _,
        timeouts: RouteTimeouts as Section,
        /// Whether connections of HTTP/1 go on after an answer of this route.
        keep_alive: bool as Flag,
        buffering: Buffering as Section,
        /// Extra variables for the application: `{ APP_ENV = "production", HOME_URL = "https://$host" }`, with variables; two
        /// dollars are one, and a dollar in front of anything else is itself, as is one in what the environment says. They take the place of ours of the same name, such as `SERVER_SOFTWARE`, which is
        /// `bridgehead/VERSION (like nginx)`. Default: none.
        params: ExtraParams as Params => onward.params; only WITH_VARIABLES,
        request: Request as Section => onward,
        /// Fields of answers, those of the gateway's own errors included: `{ X-Frame-Options = "DENY" }` sets them, and so does
        /// `set = { … }`; `add` puts another one besides, `default` gives those that an answer has none of, and `remove`
        /// takes them away, `["X-Powered-By"]`. `preset = "security"` gives the fields that `check --print` shows then;
        /// `on_errors = false` leaves errors of the gateway alone. Values may have variables, `"$host"`; two dollars are one.
        /// Default: none.
        headers: ResponseHeaders as Headers,
        cookies: Cookies as Section,
        cors: Cors as Section => _,
        compress: Switch<Compress> as FlagOrSection => _,
        /// Fields of the application that clients get all the same: `["Server"]`, or those for another server in front of
        /// this one, `["X-Accel-Redirect"]`. Default: none.
        pass_headers: Vec<FieldName> as List(Name); only &["php", "cgi", "proxy"],
        /// Let the application finish when the client leaves.
        ignore_client_abort: bool as Flag; only &["php", "cgi", "proxy"],
        log: RouteLog as Section => _,
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
    cgi: Cgi,
    proxy: Proxy,
    files: Files,
    redirect: Redirect,
    respond: Respond,
    rewrite: Rewrite,
    status: Status,
}

/// Every route of the file. What the patterns of one take out of a request are variables in it.
pub(in crate::config) struct Routes;

impl Unit<Vec<At<Route>>> for Routes {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Vec<At<Route>>> {
        let mut routes = Vec::new();
        for item in node.list(complaints)? {
            complaints.captures = captures(item);
            match Section.read(item, complaints) {
                Some(route) => routes.push(At::new(item.span.clone(), route)),
                None => complaints.damage(node.span.clone()),
            }
        }
        complaints.captures.clear();
        Some(routes)
    }

    fn show(&self, routes: &Vec<At<Route>>) -> Shown {
        Repeated.show(routes)
    }

    fn form(&self) -> Form {
        Unit::<Vec<At<Route>>>::form(&Repeated)
    }
}

/// The names in the patterns of a route.
fn captures(route: &Node) -> Vec<String> {
    let Value::Table(table) = &route.value else {
        return Vec::new();
    };
    let texts = ["host", "path"].into_iter().filter_map(|key| table.get(key));
    let texts = texts.flat_map(|node| match &node.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![node],
    });
    let pattern = |node: &Node| match &node.value {
        Value::Text(text) => Pattern::new(text)?.ok(),
        _ => None,
    };
    texts
        .filter_map(pattern)
        .flat_map(|pattern| pattern.names())
        .collect()
}

/// The route as it would be typed.
pub(super) fn shown(route: &Settings, upstreams: &[UpstreamConfig]) -> Route {
    let mut shown = Route::plain(route);
    shown.show_handler(&route.handler, upstreams);
    shown.host = shown.host.filter(|hosts| !hosts.is_empty());
    shown.when = (!route.when.is_empty()).then(|| At::nowhere(when::shown(&route.when)));
    shown.access = Fill::of(&route.access)
        .filter(|_| !route.access.is_empty())
        .map(At::nowhere);
    let maintenance = route.maintenance.as_ref().and_then(Fill::of);
    shown.maintenance = maintenance.map(At::nowhere);
    shown.limits = Some(At::nowhere(limits::shown(route)));
    shown.log = log::shown(route.log.as_ref());
    shown.timeouts = timeouts::shown(&route.timeouts);
    shown.errors = shown.errors.filter(|errors| !errors.pages.is_empty());
    shown.send_file = send_file::shown(&route.accel.send_file);
    let onward = &route.onward;
    shown.params = shown.params.filter(|_| !onward.params.is_empty());
    shown.request = request::shown(onward);
    shown.headers = shown.headers.filter(|headers| !headers.rules.is_empty());
    shown.cookies = (!route.cookies.is_empty()).then(|| cookies::shown(&route.cookies));
    shown.cors = route.cors.as_ref().and_then(Fill::of).map(At::nowhere);
    shown.pass_headers = shown.pass_headers.filter(|fields| !fields.is_empty());
    shown.compress = Some(At::nowhere(Compress::shown(route.compress.as_ref())));
    if route.handler.upstream().is_none() {
        shown.ignore_client_abort = None;
        shown.accel = None;
    }
    shown
}

/// Every route, in the order of the file.
pub(super) fn check(
    typed: &[At<Route>],
    upstreams: &[UpstreamConfig],
    complaints: &mut Complaints,
) -> Vec<Settings> {
    duplicates::refuse(typed, complaints);
    check_clients(typed, complaints);
    circles::warn(typed, complaints);
    let mut routes: Vec<Settings> = typed
        .iter()
        .filter_map(|typed| route(typed, upstreams, complaints))
        .collect();
    send_file::check(typed, &mut routes, complaints);
    limit_patterns(typed, &routes, complaints);
    names::check(typed, &routes, complaints);
    routes
}

/// Complains about listeners in conditions that have no name, or another one.
pub(super) fn check_listeners(typed: &[At<Route>], listeners: &[Listener], complaints: &mut Complaints) {
    let names = || listeners.iter().filter_map(|listener| listener.name.as_deref());
    let wanted = typed
        .iter()
        .filter_map(|route| route.when.as_ref()?.listen.as_ref());
    for wanted in wanted {
        if let Some(unknown) = wanted
            .iter()
            .find(|wanted| names().all(|name| name != wanted.as_str()))
        {
            let help = match suggest::nearest(unknown, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("give a [[listen]] name = \"{unknown}\""),
            };
            complaints
                .error(wanted.span(), format!("no listener has the name `{unknown}`"))
                .help(help);
        }
    }
}

/// Complains about more patterns than a configuration may have.
fn limit_patterns(typed: &[At<Route>], routes: &[Settings], complaints: &mut Complaints) {
    let mut count = 0;
    for (typed, route) in typed.iter().zip(routes) {
        count += route.patterns().count();
        if count > Pattern::MOST {
            complaints
                .error(typed.span(), format!("more than {} patterns", Pattern::MOST))
                .help("each is asked for every request that nothing before it has: prefixes and suffixes are cheaper");
            return;
        }
    }
}

/// What is asked of clients holds for a host, and is one thing.
fn check_clients(typed: &[At<Route>], complaints: &mut Complaints) {
    let mut seen: BTreeMap<String, (ClientAuth, Range<usize>)> = BTreeMap::new();
    for typed in typed {
        let Some(client) = &typed.client else { continue };
        tls::check_client(client, complaints);
        let hosts = typed.host.as_deref().map_or(&[][..], Vec::as_slice);
        if hosts.is_empty() || hosts.iter().any(|host| host.pattern().is_some()) {
            complaints
                .error(
                    client.span(),
                    "certificates of clients are asked for by host, and this route names none",
                )
                .help("give the route a `host`, or write `client` in [tls] or in `tls` of a [[listen]]");
            continue;
        }
        let mut auth = ClientAuth::default();
        client.apply_to(&mut auth);
        for host in hosts {
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
    if let Some(typed) = &typed.limits {
        typed.apply_to(&mut route.limits);
        route.shared_limits = shared_limits::names(typed);
    }
    let place = Place {
        prefix: route.path.prefix(),
        upstreams,
    };
    let handler = handler::check(typed, place, complaints);
    if let Some(typed) = &typed.access {
        route.access = access::check(typed, complaints);
    }
    if let Some(typed) = &typed.maintenance {
        route.maintenance = maintenance::check(typed, complaints);
    }
    if let Some(typed) = &typed.log {
        typed.apply_to(route.log.get_or_insert_default());
    }
    route.cors = typed.cors.as_ref().map(|typed| cors::check(typed, complaints));
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
        route.onward.params = ExtraParams::default();
        warn_about_params(typed, complaints);
    }
    if protocol.is_none() {
        route.ignore_client_abort = false;
        route.pass_headers = Vec::new();
        route.onward = Onward::default();
        route.cookies = CookieAttributes::default();
        route.accel = Accel::default();
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
    let request = typed.request.as_ref().map(At::span);
    let cookies = typed.cookies.as_ref().map(At::span);
    let accel = typed.accel.as_ref().map(At::span);
    let send_file = typed.send_file.as_ref().map(At::span);
    let keys = [
        ("pass_headers", pass),
        ("ignore_client_abort", abort),
        ("request", request),
        ("cookies", cookies),
        ("accel", accel),
        ("send_file", send_file),
    ];
    for (key, span) in keys {
        if let Some(span) = span {
            complaints.warning(
                span,
                format!("`{key}` has no effect: no application answers here"),
            );
        }
    }
}
