//! The tables of the file, one file each, and how they come to a [`Config`].
//!
//! A table's file declares its keys ([`table!`](super::table::table)) and holds the rules that span several of them.
//! Each check returns a value even when it complained, so that one mistake hides no other; a configuration with errors
//! is thrown away in the end.

mod account;
mod acme;
mod app;
mod keep_alive;
mod limit;
mod listen;
mod log;
mod network;
mod route;
mod sent_host;
mod server;
mod snippet;
mod status_code;
mod tls;
mod trusted_proxy;
mod upstream;

use std::collections::BTreeMap;
use std::ops::Range;

use acme::Acme;
use app::App;
use limit::Limit;
use listen::Listen;
use log::Log;
pub(super) use route::Route;
use route::Routes;
use server::{Server, Settings};
use snippet::Snippets;
use tls::Tls;
use upstream::Upstream;
pub(super) use upstream::profiles;

use super::Config;
use super::at::At;
use super::complaints::{Complaints, DOCUMENT};
use super::table::{ByName, Fill, Repeated, Section, table};
use super::units::{Number, OneOrMore, Plain, SizeWithin};
use crate::frontend::FrontendConfig;
use crate::frontend::config::{Limit as LimitConfig, Listener, Route as RouteConfig};
use crate::frontend::limits::MOST as MOST_LIMITS;
use crate::process::AppConfig;
use crate::upstream::UpstreamConfig;

table! {
    /// A Bridgehead configuration.
    pub(super) struct File {
        /// Other files, by paths that are relative to this one: `["sites/*.toml"]`, of which each may add to `listen`,
        /// `upstream`, `app`, `limit`, `route` and `snippet`, in the order of their names. Default: none.
        include: Vec<String> as OneOrMore(Plain),
        server: Server as Section,
        log: Log as Section,
        tls: Tls as Section,
        acme: Acme as Section,
        listen: Vec<At<Listen>> as Repeated,
        upstream: BTreeMap<At<String>, At<Upstream>> as ByName,
        app: BTreeMap<At<String>, At<App>> as ByName,
        limit: BTreeMap<At<String>, At<Limit>> as ByName,
        /// Parts of routes by their names, `[snippet.NAME]`: whatever a `[[route]]` may say but `host` and `path`. A route
        /// takes them with `use = ["NAME"]`: what both say in tables and arrays adds up, and so does one value where several
        /// may stand; else the route's own holds. Default: none.
        snippet: () as Snippets,
        route: Vec<At<Route>> as Routes,
    }
}

/// Turns the typed file into settings; `complaints` tells whether they can be used.
pub(super) fn check(file: &File, complaints: &mut Complaints) -> Config {
    let typed = file.upstream.iter().flat_map(|upstreams| upstreams.iter());
    let upstreams: Vec<UpstreamConfig> = typed
        .map(|(name, typed)| upstream::check(name, typed, complaints))
        .collect();
    let apps = apps(file, &upstreams, complaints);
    let mut tls = tls::check(file.tls.as_ref(), complaints);
    let acme = acme::check(file.acme.as_ref(), complaints);
    let routes = route::check(all(&file.route), &upstreams, complaints);
    let has_own = (routes.iter().flat_map(RouteConfig::named_hosts)).any(|host| acme.serves(&host.to_text()));
    let Settings { process, frontend } = server::check(file.server.as_ref(), complaints);
    let mut listeners = listen::check(
        all(&file.listen),
        &tls.listener,
        frontend.edge,
        has_own,
        complaints,
    );
    let limits = limits(file, complaints);
    route::check_listeners(all(&file.route), &listeners, complaints);
    let places = file.upstream.iter().flat_map(|upstreams| upstreams.keys());
    warn_about_unused(places.map(At::span), &upstreams, &routes, complaints);
    if complaints.is_whole(DOCUMENT) {
        demand(file, complaints);
    }
    let log = log::check(file.log.as_ref(), complaints);
    let mut frontend = FrontendConfig {
        listeners: Vec::new(),
        limits,
        routes,
        ..frontend
    };
    tls.listener.hosts = frontend.host_clients();
    for listener in listeners.iter_mut().filter_map(|listener| listener.tls.as_mut()) {
        listener.hosts.clone_from(&tls.listener.hosts);
    }
    frontend.secure_hosts = acme::secure_hosts(&acme, &listeners);
    frontend.listeners = listeners;
    Config {
        server: process,
        log,
        frontend,
        tls,
        acme,
        upstreams,
        apps,
    }
}

/// The applications, and whether upstreams use them as they can.
fn apps(file: &File, upstreams: &[UpstreamConfig], complaints: &mut Complaints) -> Vec<AppConfig> {
    let typed = || file.app.iter().flat_map(|apps| apps.iter());
    let apps: Vec<_> = typed()
        .map(|(name, typed)| app::check(name, typed, complaints))
        .collect();
    let names: Vec<_> = typed().map(|(name, _)| name).collect();
    let places = file.upstream.iter().flat_map(|upstreams| upstreams.keys());
    let upstreams: Vec<_> = places.zip(upstreams).collect();
    app::check_together(&names, &apps, &upstreams, complaints);
    apps
}

/// The way back: the file with every setting in effect.
pub(super) fn shown(config: &Config) -> File {
    let Config {
        server,
        log,
        frontend,
        tls,
        acme,
        upstreams,
        apps,
    } = config;
    let settings = Settings {
        process: server.clone(),
        frontend: frontend.clone(),
    };
    let listener = |listener: &Listener| At::nowhere(Listen::shown(listener, &tls.listener));
    let upstream = |upstream: &UpstreamConfig| {
        (
            At::nowhere(upstream.name.clone()),
            At::nowhere(Upstream::shown(upstream)),
        )
    };
    let app = |app: &AppConfig| (At::nowhere(app.name.clone()), At::nowhere(App::shown(app)));
    let limit = |limit: &LimitConfig| {
        let shown = Limit::of(limit).unwrap_or_default();
        (At::nowhere(limit.name.clone()), At::nowhere(shown))
    };
    let route = |route: &RouteConfig| At::nowhere(route::shown(route, upstreams));
    File {
        server: Server::of(&settings).map(At::nowhere),
        log: Log::of(log).map(At::nowhere),
        tls: Tls::of(tls).map(At::nowhere),
        acme: Acme::of(acme).map(At::nowhere),
        listen: Some(At::nowhere(frontend.listeners.iter().map(listener).collect())),
        include: None,
        snippet: None,
        upstream: Some(At::nowhere(upstreams.iter().map(upstream).collect())),
        app: (!apps.is_empty()).then(|| At::nowhere(apps.iter().map(app).collect())),
        limit: (!frontend.limits.is_empty())
            .then(|| At::nowhere(frontend.limits.iter().map(limit).collect())),
        route: Some(At::nowhere(frontend.routes.iter().map(route).collect())),
    }
}

/// The limits that routes share.
fn limits(file: &File, complaints: &mut Complaints) -> Vec<LimitConfig> {
    let typed = file.limit.iter().flat_map(|limits| limits.iter());
    let limits: Vec<_> = typed
        .clone()
        .filter_map(|(name, typed)| limit::check(name, typed, complaints))
        .collect();
    let names: Vec<_> = typed.map(|(name, _)| name).collect();
    route::check_limits(all(&file.route), &names, complaints);
    if let Some(more) = names.get(MOST_LIMITS) {
        complaints.error(more.span(), format!("more than {MOST_LIMITS} limits"));
    }
    limits
}

/// Names go into logs and metrics.
fn check_name(name: &At<String>, of: &str, complaints: &mut Complaints) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || !name.bytes().all(plain) {
        complaints
            .error(name.span(), format!("not a name for {of}"))
            .help("names consist of letters, digits, `_`, `-` and `.`");
    }
}

fn all<T>(typed: &Option<At<Vec<T>>>) -> &[T] {
    typed.as_deref().map_or(&[], Vec::as_slice)
}

/// Complains about what no configuration can do without.
fn demand(file: &File, complaints: &mut Complaints) {
    if all(&file.listen).is_empty() {
        complaints
            .absent("there is no address to listen on")
            .help("add a table [[listen]] with address = \"127.0.0.1:8080\"");
    }
    if all(&file.route).is_empty() {
        complaints
            .absent("there are no routes, so every request would be answered with 404")
            .help(format!(
                "add a table [[route]] with path = \"/\" and one of {}",
                route::names()
            ));
    }
}

fn warn_about_unused(
    places: impl Iterator<Item = Range<usize>>,
    upstreams: &[UpstreamConfig],
    routes: &[RouteConfig],
    complaints: &mut Complaints,
) {
    let used = |index| routes.iter().any(|route| route.handler.upstream() == Some(index));
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

/// Heads: the first read takes up to 8 KiB, and a head of more than 16 MiB is an attack.
const HEAD: SizeWithin = SizeWithin {
    least: 8 * 1024,
    most: 16 * 1024 * 1024,
};

/// Fields of heads.
const HEAD_FIELDS: Number = Number(1, 10_000);

/// Protocols that have variables.
const WITH_VARIABLES: &[&str] = &["fastcgi", "uwsgi", "scgi"];
