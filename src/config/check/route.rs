//! `[[route]]`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::{deadline, field, handler, host, size};
use crate::config::complaints::Complaints;
use crate::config::file::{At, Buffering as TypedBuffering, Limits as TypedLimits, Route as Typed, Section};
use crate::config::units::Size;
use crate::frontend::config::{Buffering, Limits, Route};
use crate::upstream::Config as Upstream;
use crate::upstream::model::config::ProtocolName;

/// Every route, in the order of the file.
pub(super) fn check(
    typed: &[Section<Typed>],
    upstreams: &[Upstream],
    complaints: &mut Complaints,
) -> Vec<Route> {
    refuse_duplicates(typed, complaints);
    typed
        .iter()
        .filter_map(|typed| route(typed, upstreams, complaints))
        .collect()
}

fn refuse_duplicates(typed: &[Section<Typed>], complaints: &mut Complaints) {
    let mut seen: BTreeMap<(String, String), Range<usize>> = BTreeMap::new();
    for typed in typed {
        let host = typed
            .host
            .as_ref()
            .map(|host| host.to_ascii_lowercase())
            .unwrap_or_default();
        let path = typed.path.as_ref().map_or("/", |path| trimmed(path)).to_owned();
        let place = typed.path.as_ref().map_or(typed.span(), At::span);
        if let Some(first) = seen.get(&(host.clone(), path.clone())) {
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

fn route(typed: &Section<Typed>, upstreams: &[Upstream], complaints: &mut Complaints) -> Option<Route> {
    let path = path(typed, complaints);
    let handler = handler::check(typed, &path, upstreams, complaints);
    let buffering = buffering(typed.buffering.as_ref(), complaints);
    let limits = limits(&typed.limits, buffering, complaints);
    warn_about_room(typed.buffering.as_ref(), buffering, limits, complaints);
    let headers = field::headers(&typed.headers, complaints);
    let host = typed.host.as_ref().map(|host| host::check(host, complaints));
    let params = typed
        .params
        .as_ref()
        .map(|params| field::params(params, complaints))
        .unwrap_or_default();
    let handler = handler?;
    let protocol = super::target(&handler)
        .and_then(|index| upstreams.get(index))
        .map(|to| to.protocol);
    warn_about_params(typed, protocol, complaints);
    let has_variables = protocol.is_some_and(|protocol| protocol != ProtocolName::Http);
    Some(Route {
        host,
        path,
        handler,
        limits,
        buffering,
        params: if has_variables {
            params.into()
        } else {
            Arc::default()
        },
        headers,
        ignore_client_abort: ignore_client_abort(typed, protocol, complaints),
    })
}

fn path(typed: &Typed, complaints: &mut Complaints) -> String {
    typed
        .path
        .as_ref()
        .map_or_else(|| "/".to_owned(), |path| prefix(path, complaints))
}

/// A path prefix without the slash at its end, which would not make a difference.
fn prefix(typed: &At<String>, complaints: &mut Complaints) -> String {
    if let Some((message, help)) = mistake(typed) {
        complaints.error(typed.span(), message).help(help);
    }
    trimmed(typed).to_owned()
}

fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

fn mistake(path: &str) -> Option<(&'static str, String)> {
    let Some(rest) = path.strip_prefix('/') else {
        return Some((
            "the path of a route begins with a slash",
            format!("write \"/{path}\""),
        ));
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['*', '^', '|']) || rest.ends_with('$') {
        let help = "write where the paths begin; patterns are not needed".to_owned();
        return Some(("the path of a route is a prefix, not a pattern", help));
    }
    if rest.contains(['?', '#']) {
        return Some((
            "only the path decides about the route",
            "leave out what begins with `?` or `#`".to_owned(),
        ));
    }
    if rest.contains('%') {
        let help = "write the characters themselves instead of their %-escapes".to_owned();
        return Some(("paths are compared after decoding", help));
    }
    if rest.contains(|c: char| c.is_control()) {
        return Some((
            "a control character in the path of a route",
            "no request has it".to_owned(),
        ));
    }
    let odd = |segment: &str| matches!(segment, "" | "." | "..");
    (!rest.is_empty() && rest.split('/').any(odd)).then(|| {
        (
            "no request has such a path: `//`, `.` and `..` are resolved first",
            "write where it leads to".to_owned(),
        )
    })
}

fn buffering(typed: Option<&Section<TypedBuffering>>, complaints: &mut Complaints) -> Buffering {
    let default = Buffering::default();
    let Some(typed) = typed else { return default };
    Buffering {
        request: typed.request.unwrap_or(default.request),
        response: typed.response.unwrap_or(default.response),
        memory: size::within(typed.memory.as_ref(), default.memory, size::MEMORY, complaints),
        disk: typed.disk.as_ref().map_or(default.disk, |disk| disk.0),
    }
}

fn limits(typed: &TypedLimits, buffering: Buffering, complaints: &mut Complaints) -> Limits {
    let default = Limits::default();
    let size = |typed: Option<&At<Size>>, default| typed.map_or(default, |size| size.0);
    // Who streams may have nothing to say for a while.
    let upload_rate = if buffering.request { default.upload_rate } else { 0 };
    Limits {
        body: size(typed.body.as_ref(), default.body),
        upload_rate: size(typed.upload_rate.as_ref(), upload_rate),
        download_rate: size(typed.download_rate.as_ref(), default.download_rate),
        rate_grace: deadline::positive(typed.rate_grace.as_ref(), default.rate_grace, complaints),
    }
}

fn warn_about_room(
    typed: Option<&Section<TypedBuffering>>,
    buffering: Buffering,
    limits: Limits,
    complaints: &mut Complaints,
) {
    let room = buffering.disk.saturating_add(buffering.memory as u64);
    let Some(typed) = typed.filter(|_| room < limits.body && buffering.request) else {
        return;
    };
    complaints
        .warning(
            typed.span(),
            "request bodies are allowed to be larger than what can be held of them",
        )
        .help("lower limits.body, or raise buffering.memory or buffering.disk");
}

/// Complains about extra variables where there are no variables.
fn warn_about_params(typed: &Typed, protocol: Option<ProtocolName>, complaints: &mut Complaints) {
    if let (Some(params), None | Some(ProtocolName::Http)) = (&typed.params, protocol) {
        complaints
            .warning(params.span(), "`params` has no effect here")
            .help("variables exist in FastCGI, uwsgi and SCGI only");
    }
}

/// Whether the application may finish, where there is one.
fn ignore_client_abort(typed: &Typed, protocol: Option<ProtocolName>, complaints: &mut Complaints) -> bool {
    let Some(typed) = &typed.ignore_client_abort else {
        return false;
    };
    if protocol.is_none() {
        complaints.warning(
            typed.span(),
            "`ignore_client_abort` has no effect: no application answers here",
        );
    }
    **typed && protocol.is_some()
}
