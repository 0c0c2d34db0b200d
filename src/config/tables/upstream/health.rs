//! `[upstream.NAME] health`: which question suits which server.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::layout::Form;
use crate::config::node::{Node, Value};
use crate::config::shown::Shown;
use crate::config::table::{Table, table};
use crate::config::units::{Absolute, DEADLINE, Name, Named, Number, Plain, Text, Unit};
use crate::protocol::{Authority, Target};
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::config::health::{self, Probe, Request, Silence, Statuses};
use crate::upstream::model::profile::Profile;
use crate::variables::Template;

table! {
    /// Active checks of the endpoints. An empty table will do.
    pub(in crate::config) struct Health for Settings {
        /// What is asked: FastCGI's GET_VALUES, the ping of PHP-FPM or uWSGI, a request, or a connection alone. Default:
        /// `"ping"` for PHP-FPM with a `path`, `"request"` with any other key of requests, `"get_values"` for FastCGI
        /// other than uWSGI's, else `"request"`.
        kind: Kind as Name,
        /// Time between two checks of an endpoint; none is made while requests are answered.
        interval: Duration as DEADLINE => health.interval,
        /// Longest time until the answer is complete.
        timeout: Duration as DEADLINE => health.timeout,
        /// Good answers until an endpoint that is down is used again.
        rise: u32 as Number(1, 1_000) => health.rise,
        /// Bad answers until an endpoint is used no more.
        fall: u32 as Number(1, 1_000) => health.fall,
        /// What a taken connection without an answer means while none of our requests tells more: that the endpoint is
        /// dead, or that it is busy because others use the same pool.
        silence: Silence as Name => health.silence,
        /// Path of PHP-FPM's `ping.path`, or of the request.
        path: Target as TARGET => request.path; only &["ping", "request"],
        /// Method of the request.
        method: bool as HeadOnly => request.head_only; only &["request"],
        /// `Host` of the request. Default: `host` of the upstream where it has no variables, else `"localhost"`.
        host: Bytes as HOST => request.host; only &["request"],
        /// `SCRIPT_FILENAME` of the request, for applications that are files, such as PHP's. Default: none.
        script: String as Absolute("the script") => request.script; only &["request"],
        /// Statuses that mean "alive".
        status: Statuses as StatusList => request.status; only &["request"],
        /// Statuses that mean "full, but alive", such as 503. Default: none.
        busy_status: Statuses as StatusList => request.busy_status; only &["request"],
        /// Text that the answer has to hold within its first 64 KiB. Default: any.
        body: String as Plain => request.body; only &["request"],
    }
    shown = Health::complete;
}

/// What the table speaks of: checks, and the request that they make if they make one.
#[derive(Default)]
pub(in crate::config) struct Settings {
    kind: Option<Kind>,
    health: health::Health,
    request: Request,
}

/// Kinds of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Kind {
    /// A connection.
    Connect,
    /// FastCGI GET_VALUES.
    GetValues,
    /// PHP-FPM's `ping.path`, uWSGI's modifier 100.
    Ping,
    /// A request.
    Request,
}

impl Health {
    /// Without the statuses of which there are none.
    fn complete(settings: &Settings) -> Self {
        let plain = Self::plain(settings);
        Self {
            busy_status: plain.busy_status.filter(|statuses| !statuses.is_empty()),
            ..plain
        }
    }
}

/// The checks as they would be typed.
pub(super) fn shown(health: &health::Health) -> Health {
    let path = |path: &Target| Request {
        path: path.clone(),
        ..Request::default()
    };
    let (kind, request) = match &health.probe {
        Probe::Connect => (Kind::Connect, Request::default()),
        Probe::GetValues => (Kind::GetValues, Request::default()),
        Probe::UwsgiPing => (Kind::Ping, Request::default()),
        Probe::FpmPing(target) => (Kind::Ping, path(target)),
        Probe::Request(request) => (Kind::Request, request.clone()),
    };
    let mut shown = Health::complete(&Settings {
        kind: Some(kind),
        health: health.clone(),
        request,
    });
    shown.leave_out(kind.name());
    shown
}

/// The active checks of an upstream; `host` is what its applications get as `Host`, if not the client's.
pub(super) fn check(
    typed: &At<Health>,
    protocol: ProtocolName,
    profile: Profile,
    host: Option<&Template>,
    complaints: &mut Complaints,
) -> health::Health {
    let kind = typed.kind.as_deref().copied();
    let kind = kind.unwrap_or_else(|| usual(typed, protocol, profile));
    refuse(kind, typed, protocol, profile, complaints);
    for (key, span) in Health::clone(typed).leave_out(kind.name()) {
        complaints.warning(span, format!("`{key}` has no effect on a check of this kind"));
    }
    let mut settings = Settings::default();
    if let Some(host) = host.and_then(Template::constant) {
        settings.request.host = host.into();
    }
    typed.apply_to(&mut settings);
    let Settings { health, request, .. } = settings;
    if let Some(body) = typed.body.as_ref().filter(|_| request.head_only) {
        complaints.error(body.span(), "an answer to HEAD has no body");
    }
    let probe = match (kind, protocol) {
        (Kind::Connect, _) => Probe::Connect,
        (Kind::GetValues, _) => Probe::GetValues,
        (Kind::Ping, ProtocolName::Uwsgi) => Probe::UwsgiPing,
        (Kind::Ping, _) => Probe::FpmPing(request.path),
        (Kind::Request, _) => Probe::Request(request),
    };
    health::Health { probe, ..health }
}

/// What can be asked without further settings; a path alone says what is meant, too.
fn usual(typed: &Health, protocol: ProtocolName, profile: Profile) -> Kind {
    let php = matches!(profile, Profile::PhpFpm);
    let about_requests = typed.path.is_some()
        || typed.method.is_some()
        || typed.host.is_some()
        || typed.script.is_some()
        || typed.status.is_some()
        || typed.busy_status.is_some()
        || typed.body.is_some();
    match (protocol, profile) {
        _ if php && typed.path.is_some() && typed.script.is_none() => Kind::Ping,
        _ if about_requests => Kind::Request,
        (ProtocolName::FastCgi, Profile::Uwsgi) => Kind::Request,
        (ProtocolName::FastCgi, _) => Kind::GetValues,
        // Not the ping of uWSGI: Debian's needs a plugin for it, which is not loaded by default.
        (ProtocolName::Uwsgi | ProtocolName::Scgi | ProtocolName::Http, _) => Kind::Request,
    }
}

/// Questions that the server would never answer as it should.
fn refuse(
    kind: Kind,
    typed: &At<Health>,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) {
    let place = typed.kind.as_ref().map_or(typed.span(), At::span);
    let fastcgi = protocol == ProtocolName::FastCgi;
    let refusal = match kind {
        Kind::GetValues if !fastcgi => Some(("only FastCGI knows GET_VALUES", "write kind = \"request\"")),
        Kind::GetValues if profile == Profile::Uwsgi => Some((
            "uWSGI never answers GET_VALUES, and a worker would wait for more each time",
            "write kind = \"request\"",
        )),
        Kind::Ping if protocol == ProtocolName::Uwsgi && profile == Profile::Gunicorn => {
            Some(("Gunicorn knows no uwsgi ping", "write kind = \"request\""))
        }
        Kind::Ping if fastcgi && typed.path.is_none() => Some((
            "the path of the ping is missing",
            "add path = \"/fpm-ping\", and to the pool of PHP-FPM: ping.path = /fpm-ping",
        )),
        Kind::Ping if !fastcgi && protocol != ProtocolName::Uwsgi => Some((
            "only PHP-FPM and uwsgi sockets know a ping",
            "write kind = \"request\"",
        )),
        Kind::Request if matches!(profile, Profile::PhpFpm | Profile::PhpCgi) && typed.script.is_none() => {
            Some((
                "a request to PHP needs a script",
                "add script = \"/srv/app/health.php\", or ask the server itself: kind = \"get_values\"",
            ))
        }
        Kind::Connect | Kind::GetValues | Kind::Ping | Kind::Request => None,
    };
    if let Some((why, instead)) = refusal {
        complaints.error(place, why).help(instead);
    }
}

/// A path that is the same decoded and encoded: it becomes a variable as it is.
pub(super) const TARGET: Text<Target> = Text {
    words: "path of a URL",
    read: target,
    show: Target::to_string,
};

fn target(typed: &At<String>, complaints: &mut Complaints) -> Option<Target> {
    let plain = typed.starts_with('/') && typed.is_ascii() && !typed.contains(['%', '#', '<', '>', '`']);
    match typed.parse::<Target>() {
        Ok(path) if plain => Some(path),
        _ => {
            complaints
                .error(typed.span(), "not a path")
                .help("begin it with a slash; no blanks, no `%`, no `#`");
            // Which check is meant follows from there being a path.
            Some(Target::from_static("/"))
        }
    }
}

const HOST: Text<Bytes> = Text {
    words: "host",
    read: host,
    show: |host| String::from_utf8_lossy(host).into_owned(),
};

fn host(typed: &At<String>, complaints: &mut Complaints) -> Option<Bytes> {
    if Authority::parse(typed.as_bytes()).is_none() {
        complaints.error(typed.span(), "not a host name");
    }
    Some(Bytes::copy_from_slice(typed.as_bytes()))
}

/// The method of a check: whether it asks for the head only.
struct HeadOnly;

#[derive(Clone, Copy, PartialEq)]
struct Method(bool);

impl Unit<bool> for HeadOnly {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<bool> {
        let method: Method = Name.read(node, complaints)?;
        Some(method.0)
    }

    fn show(&self, head_only: &bool) -> Shown {
        Name.show(&Method(*head_only))
    }

    fn form(&self) -> Form {
        Unit::<Method>::form(&Name)
    }
}

/// Response statuses: 200, "200-299", "200-299,304".
struct StatusList;

impl Unit<Statuses> for StatusList {
    fn read(&self, node: &Node, complaints: &mut Complaints) -> Option<Statuses> {
        let text = match &node.value {
            Value::Integer(number) => &number.to_string(),
            _ => node.text("response statuses such as 200 or \"200-399\"", complaints)?,
        };
        match text.parse() {
            Ok(statuses) => Some(statuses),
            Err(wrong) => {
                let wrong: health::StatusError = wrong;
                complaints
                    .error(node.span.clone(), wrong.to_string())
                    .help("write numbers from 100 to 599 and ranges of them: 200, \"200-299,304\"");
                None
            }
        }
    }

    fn show(&self, statuses: &Statuses) -> Shown {
        Shown::text(&statuses.to_string())
    }

    fn form(&self) -> Form {
        let schema = json!({
            "type": ["integer", "string"],
            "minimum": 100,
            "maximum": 599,
            "pattern": r"^[0-9 ,-]+$|\$\{",
        });
        Form::Value {
            words: "statuses and ranges of them".to_owned(),
            schema,
        }
    }
}

impl Named for Kind {
    const KIND: &'static str = "kind of check";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("get_values", Self::GetValues),
        ("ping", Self::Ping),
        ("request", Self::Request),
        ("connect", Self::Connect),
    ];
}

impl Named for Method {
    const KIND: &'static str = "method of a check";
    const NAMES: &'static [(&'static str, Self)] = &[("GET", Self(false)), ("HEAD", Self(true))];
}

impl Named for Silence {
    const KIND: &'static str = "meaning of silence";
    const NAMES: &'static [(&'static str, Self)] = &[("dead", Self::Dead), ("busy", Self::Busy)];
}
