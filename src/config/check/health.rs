//! `health`: which question suits which server.

use bytes::Bytes;

use super::deadline;
use crate::config::complaints::Complaints;
use crate::config::file::{At, Health as Typed, Kind, Method, Section, Upstream};
use crate::protocol::Target;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::config::health::{Health, Probe, Request, Statuses};
use crate::upstream::model::profile::Profile;

/// The active checks, if there are to be any.
pub(super) fn check(
    typed: &Upstream,
    protocol: ProtocolName,
    profile: Profile,
    complaints: &mut Complaints,
) -> Option<Health> {
    let typed = typed.health.as_ref()?;
    let kind = match &typed.kind {
        Some(kind) => kind.0,
        None => usual(typed, protocol, profile),
    };
    refuse(kind, typed, protocol, profile, complaints);
    warn_about_idle(kind, typed, complaints);
    let probe = match (kind, protocol) {
        (Kind::Connect, _) => Probe::Connect,
        (Kind::GetValues, _) => Probe::GetValues,
        (Kind::Ping, ProtocolName::Uwsgi) => Probe::UwsgiPing,
        (Kind::Ping, _) => Probe::FpmPing(path(typed.path.as_ref(), complaints)),
        (Kind::Request, _) => Probe::Request(request(typed, complaints)),
    };
    Some(Health {
        probe,
        interval: deadline::positive(typed.interval.as_ref(), Health::INTERVAL, complaints),
        timeout: deadline::positive(typed.timeout.as_ref(), Health::TIMEOUT, complaints),
        rise: typed.rise.map_or(Health::RISE, |count| count.0),
        fall: typed.fall.map_or(Health::FALL, |count| count.0),
        silence: typed.silence.map_or_else(Default::default, |silence| silence.0),
    })
}

/// What can be asked without further settings; a path alone says what is meant, too.
fn usual(typed: &Typed, protocol: ProtocolName, profile: Profile) -> Kind {
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
        // Not the ping of uWSGI: Debian's needs a plugin for it that nobody loads unasked.
        (ProtocolName::Uwsgi | ProtocolName::Scgi | ProtocolName::Http, _) => Kind::Request,
    }
}

/// Questions that the server would never answer as it should.
fn refuse(
    kind: Kind,
    typed: &Section<Typed>,
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

/// Settings of requests on something that is none.
fn warn_about_idle(kind: Kind, typed: &Typed, complaints: &mut Complaints) {
    let ping = kind == Kind::Ping;
    let keys = [
        ("path", typed.path.as_ref().map(At::span), ping),
        ("method", typed.method.as_ref().map(At::span), false),
        ("host", typed.host.as_ref().map(At::span), false),
        ("script", typed.script.as_ref().map(At::span), false),
        ("status", typed.status.as_ref().map(At::span), false),
        ("busy_status", typed.busy_status.as_ref().map(At::span), false),
        ("body", typed.body.as_ref().map(At::span), false),
    ];
    for (key, span, used) in keys {
        if let (Some(span), false) = (span, used || kind == Kind::Request) {
            complaints.warning(span, format!("`{key}` has no effect on a check of this kind"));
        }
    }
}

fn request(typed: &Typed, complaints: &mut Complaints) -> Request {
    let statuses = |typed: Option<&At<crate::config::file::StatusList>>, default: Statuses| {
        typed.map_or(default, |list| list.0.clone())
    };
    let head_only = typed
        .method
        .as_ref()
        .is_some_and(|method| method.0 == Method::Head);
    if let Some(body) = typed.body.as_ref().filter(|_| head_only) {
        complaints.error(body.span(), "an answer to HEAD has no body");
    }
    if let Some(script) = &typed.script {
        super::path::absolute(script, "the script", complaints);
    }
    Request {
        head_only,
        path: path(typed.path.as_ref(), complaints),
        host: host(typed.host.as_ref(), complaints),
        script: typed.script.as_ref().map(|script| script.to_string()),
        status: statuses(typed.status.as_ref(), Statuses::fine()),
        busy_status: statuses(typed.busy_status.as_ref(), Statuses::default()),
        body: typed.body.as_ref().map(|body| body.to_string()),
    }
}

/// A path that is the same decoded and encoded: it becomes a variable as it is.
pub(super) fn path(typed: Option<&At<String>>, complaints: &mut Complaints) -> Target {
    let Some(typed) = typed else {
        return Target::from_static("/");
    };
    let plain = typed.starts_with('/') && typed.is_ascii() && !typed.contains(['%', '#', '<', '>', '`']);
    match typed.parse::<Target>() {
        Ok(path) if plain => path,
        _ => {
            complaints
                .error(typed.span(), "not a path")
                .help("begin it with a slash; no blanks, no `%`, no `#`");
            Target::from_static("/")
        }
    }
}

fn host(typed: Option<&At<String>>, complaints: &mut Complaints) -> Bytes {
    let default = Bytes::from_static(b"localhost");
    let Some(typed) = typed else { return default };
    match typed.parse::<http::uri::Authority>() {
        Ok(_) => Bytes::copy_from_slice(typed.as_bytes()),
        Err(_) => {
            complaints.error(typed.span(), "not a host name");
            default
        }
    }
}
