//! `[upstream.NAME]`.

mod auto;
mod balance;
mod endpoint;
mod endpoint_option;
mod fair;
mod health;
mod keep_alive;
mod modifier;
mod profile;
mod proxy_protocol;
mod queue;
mod quirk;
mod retry;
mod sticky;
mod timeouts;
mod tls;

use std::time::Duration;

use auto::{Auto, Wanted, WantedSlots};
use balance::BALANCE;
use endpoint::{ENDPOINT, Endpoint};
use fair::Fair;
use health::Health;
use modifier::{BYTE, MODIFIER};
use queue::Queue;
use quirk::BLOCK;
use retry::Retry;
use sticky::Sticky;
use timeouts::UpstreamTimeouts;
use tls::UpstreamTls;

use super::sent_host::SENT_HOST;
use super::{HEAD, HEAD_FIELDS, WITH_VARIABLES, check_name};
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::shown::Shown;
use crate::config::table::{Fill, Section, Table, required, table};
use crate::config::units::{Flag, List, Name, Number, Time};
use crate::protocol::params::PathInfo;
use crate::protocol::proxy_protocol::Version;
use crate::transport::tls::BackendTls;
use crate::upstream::UpstreamConfig;
use crate::upstream::model::config::{Balance, ProtocolName};
use crate::upstream::model::profile::Profile;
use crate::variables::Template;

table! {
    /// A pool of application workers. `NAME` is for routes, logs and counters: letters, digits, `_`, `-` and `.`.
    pub(in crate::config) struct Upstream for UpstreamConfig {
        /// What the workers speak. Default: what the profile speaks, if that is one protocol only.
        protocol: ProtocolName as Name,
        /// The server program. It changes [some defaults](#defaults-that-depend-on-the-profile). Default: `"generic"`.
        profile: Profile as Name => _,
        /// Addresses with their options: `"unix:/run/php/php-fpm.sock"`, `"unix:@app"` for a socket without a file,
        /// `"10.0.0.5:9000 weight=2 backup"`. The options
        /// are `weight=N`, `backup`, `drain`, `down`, `max_connections=N`, `max_fails=N`, `fail_timeout=TIME` and `slow_start=TIME`. Behind `dns:` or
        /// `dns+srv:` stands a name for any number of endpoints, behind `app:` that of an [application](#appname) of the gateway;
        /// `tls:` in front of all this says that TLS is spoken there. Required.
        endpoints: Vec<Endpoint> as List(ENDPOINT) => _,
        tls: UpstreamTls as Section,
        /// How an endpoint is chosen: `round_robin`, `least_conn`, `random_two`, `ip_hash`, `ewma`, or `hash KEY` with a
        /// key such as `uri`, `$host$uri` or `$cookie_NAME`, and `bounded=1.25` behind it if one key may be too much for
        /// one endpoint.
        balance: Balance as BALANCE,
        /// Default: no sessions.
        sticky: Sticky as Section => _,
        /// Slots per endpoint: `pm.max_children`, uWSGI processes x threads, Gunicorn workers; or `"auto"`. Default: no
        /// limit.
        max_connections: Wanted as WantedSlots => _,
        auto: Auto as Section => _,
        /// Default: no checks.
        health: Health as Section => _,
        /// Idle connections kept per endpoint. Of FastCGI, each occupies a worker. SCGI and uWSGI keep none.
        keep_alive: usize as Number(0, 65_535); only &["fastcgi", "uwsgi", "http"],
        queue: Queue as Section,
        /// Default: first come, first served.
        fair: Fair as Section => _,
        /// How long requests wait while every endpoint is down, counted from when one was last seen alive.
        hold: Duration as Time,
        /// Warn at the start and at a reload of unix sockets that cannot be reached; `false` where applications are
        /// meant to start later.
        warn_unreachable: bool as Flag,
        retry: Retry as Section,
        timeouts: UpstreamTimeouts as Section,
        /// Largest response head; also the most that trailers of HTTP may have.
        head_size: usize as HEAD,
        /// Most fields in a response head; also in trailers.
        head_fields: usize as HEAD_FIELDS,
        /// `Host` towards the application, in place of the client's, which goes on as `X-Forwarded-Host`: `"localhost:8384"`.
        /// It may have variables, `"$host:8384"`. Default: the client's.
        host: Template as SENT_HOST; only &["http"],
        /// Begin each connection with a header of the PROXY protocol, `"v1"` or `"v2"`, which says whose it is. A kept
        /// connection then is for one client alone; see [requests.md](requests.md#towards-applications). Default: none.
        proxy_protocol: Version as Name; only &["http"],
        /// Send paths in normal form, without `//`, `.` and `..`, and encoded anew. Else the target of an HTTP request, and
        /// an encoded `PATH_INFO`, go on byte for byte as they came; see [requests.md](requests.md#the-path).
        normalize: bool as Flag,
        /// Form of the path in `PATH_INFO`.
        path_info: PathInfo as Name => quirks.path_info; only WITH_VARIABLES,
        /// Send `PATH_INFO` even when it is empty.
        empty_path_info: bool as Flag => quirks.empty_path_info; only WITH_VARIABLES,
        /// Largest variable block (uWSGI's `buffer-size`). A packet of uwsgi has room for 64 KiB less one byte.
        max_block: usize as BLOCK => quirks.max_block; only WITH_VARIABLES,
        /// Most variables (uWSGI's `max-vars`).
        max_params: usize as Number(16, 65_535) => quirks.max_params; only WITH_VARIABLES,
        /// The server takes bodies of unknown length: over HTTP in chunks, over FastCGI without `CONTENT_LENGTH`, up to
        /// the end of its input.
        chunked_body: bool as Flag => quirks.chunked_body; only &["fastcgi", "http"],
        /// uwsgi's modifier1: the kind of application.
        modifier1: u8 as MODIFIER => quirks.modifier1; only &["uwsgi"],
        /// uwsgi's modifier2.
        modifier2: u8 as BYTE => quirks.modifier2; only &["uwsgi"],
    }
    usual = usual;
    shown = Upstream::complete;
    example = r#"[upstream.php]
profile = "php-fpm"
endpoints = ["unix:/run/php/php-fpm.sock"]
max_connections = 20                   # pm.max_children
queue = { size = 500, timeout = "10s" }

[upstream.api]
protocol = "http"
profile = "gunicorn"
endpoints = ["10.0.0.5:8000 weight=2", "10.0.0.6:8000", "10.0.0.7:8000 backup"]
balance = "least_conn"
health = { path = "/healthz", host = "api.example" }
"#;
}

/// What an upstream is like that says no more than it has to.
fn usual() -> UpstreamConfig {
    Profile::Generic.upstream(ProtocolName::FastCgi)
}

/// What a profile changes: its name, its protocols, and the keys with their defaults.
type Changes = (&'static str, Vec<&'static str>, Vec<(String, String)>);

/// What each profile changes.
pub(in crate::config) fn profiles() -> Vec<Changes> {
    let changes = |(name, profile): (&'static str, Profile)| {
        let protocols = profile.protocols();
        let mut changed = Vec::new();
        for protocol in protocols {
            let usual = flat(&Profile::Generic.upstream(*protocol));
            for default in flat(&profile.upstream(*protocol)) {
                if !usual.contains(&default) && !changed.contains(&default) {
                    changed.push(default);
                }
            }
        }
        let protocols = protocols.iter().map(|protocol| protocol.as_str()).collect();
        (name, protocols, changed)
    };
    Profile::ALL.into_iter().map(changes).collect()
}

/// Every setting of an upstream, those of the tables in it as `table.key`.
fn flat(config: &UpstreamConfig) -> Vec<(String, String)> {
    let mut flat = Vec::new();
    for (key, shown) in Upstream::shown(config).show() {
        match shown {
            Shown::Table(entries) => {
                flat.extend(
                    entries
                        .iter()
                        .map(|(inner, value)| (format!("{key}.{inner}"), value.to_string())),
                );
            }
            value => flat.push((key, value.to_string())),
        }
    }
    flat
}

impl Upstream {
    /// The upstream as it would be typed.
    pub(in crate::config) fn shown(config: &UpstreamConfig) -> Self {
        let mut shown = Self::complete(config);
        shown.leave_out(config.protocol.as_str());
        shown
    }

    /// With keys, too, that the protocol has no use for.
    fn complete(config: &UpstreamConfig) -> Self {
        let (max_connections, auto) = auto::shown(&config.max_connections);
        let plain = Self::plain(config);
        let has_tls = config.secure().is_some() || config.tls != BackendTls::default();
        Self {
            endpoints: Some(At::nowhere(endpoint::joined(&config.endpoints, &config.sources))),
            sticky: config.sticky.as_ref().and_then(Sticky::of).map(At::nowhere),
            fair: config.fair.as_ref().and_then(Fair::of).map(At::nowhere),
            max_connections,
            auto,
            health: config.health.as_ref().map(health::shown).map(At::nowhere),
            tls: plain.tls.filter(|_| has_tls),
            ..plain
        }
    }
}

/// One upstream.
pub(super) fn check(name: &At<String>, typed: &At<Upstream>, complaints: &mut Complaints) -> UpstreamConfig {
    check_name(name, "an upstream", complaints);
    let (protocol, profile) = profile::check(typed, complaints);
    let mut config = profile.upstream(protocol);
    config.name = name.to_string();
    quirk::check(typed, protocol, profile, complaints);
    let mut kept = Upstream::clone(typed);
    kept.keep_alive = None;
    for (key, span) in kept.leave_out(protocol.as_str()) {
        let protocol = protocol.as_str();
        complaints.warning(
            span,
            format!("`{key}` has no effect on an upstream that speaks {protocol}"),
        );
    }
    kept.apply_to(&mut config);
    config.protocol = protocol;
    endpoints(typed, &mut config, complaints);
    tls::check(typed, &config, complaints);
    config.sticky = typed
        .sticky
        .as_ref()
        .map(|typed| sticky::check(typed, complaints));
    config.fair = typed.fair.as_ref().map(fair::check);
    let wanted = typed.max_connections.as_deref().copied();
    config.max_connections = auto::check(wanted, typed.auto.as_ref(), protocol, profile, complaints);
    config.health = typed
        .health
        .as_ref()
        .map(|typed| health::check(typed, protocol, profile, config.host.as_ref(), complaints));
    config.keep_alive = keep_alive::check(typed.keep_alive.as_ref(), wanted, protocol, profile, complaints);
    config
}

fn endpoints(typed: &At<Upstream>, config: &mut UpstreamConfig, complaints: &mut Complaints) {
    let example = "endpoints = [\"unix:/run/app.sock\"] or endpoints = [\"127.0.0.1:9000\"]";
    let Some(list) = required(typed, "endpoints", typed.endpoints.as_ref(), example, complaints) else {
        return;
    };
    endpoint::check(list, complaints);
    (config.endpoints, config.sources) = endpoint::sorted(list);
    let slowly = list.iter().any(|endpoint| !endpoint.slow_start.is_zero());
    if let Some(place) = typed.balance.as_ref().filter(|_| slowly)
        && balance::is_by_key(place)
    {
        complaints
            .warning(
                place.span(),
                "`slow_start` has no effect: a key has one endpoint, not a share of it",
            )
            .help("\"hash KEY bounded=1.25\" lets an endpoint start slowly");
    }
}
