//! What becomes of a request, as far as its head alone decides.
//!
//! Nothing is read from the client, sent to an application or logged here: the [service](super::service) acts
//! on the plan, and `bridgehead explain` shows it.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::answer::Answer;
use super::php::{Resolved, Site, Unresolved};
use super::received::Received;
use super::rejection::Rejection;
use super::respond;
use super::route::{Handler, Mount, Route};
use super::router::Router;
use super::status::Status;
use super::{Config, config};
use crate::files::{self, DecodedPath, LookupError, Root};
use crate::protocol::fields::{FieldName, Fields};
use crate::protocol::request::Script;
use crate::protocol::{RequestHead, Target};
use crate::upstream::Upstream;
use crate::upstream::model::config::ProtocolName;

/// What is done with a request.
pub enum Action<'r> {
    /// It has its answer.
    Answer(Answer),
    /// An application answers.
    Forward(Destination<'r>),
    /// The numbers answer.
    Status(&'r Status),
}

/// Where a request goes to.
#[derive(Clone, Copy)]
pub struct Destination<'r> {
    /// The route that says so.
    pub route: &'r config::Route,
    /// The application's workers.
    pub upstream: &'r Arc<Upstream>,
}

/// What is known of a request's body before it is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Announced {
    /// See [`RequestHead::content_length`].
    pub length: Option<u64>,
    /// See [`RequestHead::chunked`].
    pub chunked: bool,
}

/// Whether a request asks about the gateway as a whole: `OPTIONS *`.
pub fn is_for_us(request: &Received) -> bool {
    request.head.target.as_bytes() == b"*"
}

/// The path for every rule, and the route that it finds.
pub fn route<'r>(
    request: &Received,
    router: &'r Router<Route>,
) -> Result<(DecodedPath, &'r Route), Rejection> {
    let path = DecodedPath::of(&request.head.target.path_bytes())?;
    match router.find(|| host(&request.head.fields), &path) {
        Some(route) => Ok((path, route)),
        None => Err(Rejection::NotFound),
    }
}

/// What the route says is to be done. A request that goes on has its script from now on.
pub fn action<'r>(
    request: &mut Received,
    route: &'r Route,
    path: &DecodedPath,
) -> Result<Action<'r>, Rejection> {
    let head = &mut request.head;
    let upstream = match &route.handler {
        Handler::Respond(fixed) => return Ok(Action::Answer(fixed.answer())),
        Handler::Status(status) => return Ok(Action::Status(status)),
        Handler::Redirect(redirect) => return respond::redirect(redirect, &head.target).map(Action::Answer),
        Handler::Files(root, index) => return file(head, root, index, route, path).map(Action::Answer),
        Handler::Php(upstream, site) => match resolve(head, site, path)? {
            Found::Script(script) => {
                head.script = script;
                upstream
            }
            Found::Answer(answer) => return Ok(Action::Answer(answer)),
        },
        Handler::Proxy(upstream, mount) => {
            head.script = mounted(mount, path, head.target.path());
            if path.is_altered() && upstream.config().protocol == ProtocolName::Http {
                let target = normal(path, &head.target)?;
                request.asked = Some(std::mem::replace(&mut head.target, target).to_bytes());
            }
            upstream
        }
    };
    Ok(Action::Forward(Destination {
        route: &route.config,
        upstream,
    }))
}

/// Completes the head for its application, when its body is known.
pub fn complete(request: &mut Received, to: Destination<'_>, body: Announced) {
    let head = &mut request.head;
    head.content_length = body.length;
    head.chunked = body.chunked;
    if !to.route.params.is_empty() {
        head.extra = to.route.params.clone();
    }
    let http = to.upstream.config().protocol == ProtocolName::Http;
    if let Some(protocol) = request.inspected.upgrade.take().filter(|_| http) {
        head.upgrade = true;
        head.fields.set(FieldName::Connection, "upgrade");
        head.fields.try_set(FieldName::Upgrade, &protocol);
    }
}

fn resolve(head: &RequestHead, site: &Site, path: &DecodedPath) -> Result<Found, Rejection> {
    let resolved = site
        .resolve(path, head.target.path())
        .map_err(|error| match error {
            Unresolved::Path(error) => Rejection::Path(error),
            Unresolved::Lookup(error) => lookup(error),
            Unresolved::SuffixCase => Rejection::NotFound,
        })?;
    let request = for_files(head, path);
    Ok(match resolved {
        Resolved::Script(script) => Found::Script(script),
        Resolved::File(opened, name) => Found::Answer(answered(files::file(opened, &name, &request))?),
        Resolved::Redirect => Found::Answer(files::redirect(&request).into()),
    })
}

fn file(
    head: &RequestHead,
    root: &Root,
    index: &str,
    route: &Route,
    path: &DecodedPath,
) -> Result<Answer, Rejection> {
    path.check_file()?;
    let start = path.split_at_prefix(&route.config.path).unwrap_or(0);
    let relative = path.relative(start, path.as_bytes().len())?;
    answered(files::respond(root, index, &relative, &for_files(head, path)))
}

fn for_files<'a>(head: &'a RequestHead, path: &'a DecodedPath) -> files::Request<'a> {
    files::Request {
        method: &head.method,
        fields: &head.fields,
        path,
        query: head.target.query(),
    }
}

/// The routes of a configuration, sorted for looking up; `routes` are the same, ready to serve.
pub fn router(config: &Config, routes: Vec<Route>) -> Router<Route> {
    let rules = config
        .routes
        .iter()
        .zip(routes)
        .map(|(rule, route)| (rule, Arc::new(route)))
        .collect();
    Router::new(rules)
}

/// What the document root says about a path.
enum Found {
    Script(Script),
    Answer(Answer),
}

/// A file's answer; the refusal of a method is like all others of ours.
fn answered(answer: Result<files::Answer, LookupError>) -> Result<Answer, Rejection> {
    let answer = answer.map_err(lookup)?;
    match answer.status {
        StatusCode::METHOD_NOT_ALLOWED => Err(Rejection::Method(files::METHODS)),
        _ => Ok(answer.into()),
    }
}

fn lookup(error: LookupError) -> Rejection {
    match error {
        // Where a link leads is nobody's business.
        LookupError::NotFound | LookupError::Outside => Rejection::NotFound,
        LookupError::Forbidden => Rejection::Forbidden,
        LookupError::Io(error) => Rejection::Unreadable(error),
    }
}

/// The split of a path at the application's mount point.
fn mounted(mount: &Mount, path: &DecodedPath, encoded: &[u8]) -> Script {
    let name = std::str::from_utf8(&mount.name).unwrap_or("");
    let at = path.split_at_prefix(name).unwrap_or(0);
    Script {
        name: mount.name.clone(),
        path_info: path.to_bytes().slice(at..),
        path_info_encoded: path.encoded_tail(encoded, at),
        filename: mount.filename.clone(),
        document_root: mount.document_root.clone(),
        php: false,
    }
}

/// The target with its path in normal form: the backend must not see another path than the router did.
///
/// Encoded again it may have become longer than a target can be.
fn normal(path: &DecodedPath, target: &Target) -> Result<Target, Rejection> {
    let mut text = path.encoded_tail(target.path(), 0).to_vec();
    if let Some(query) = target.query() {
        text.push(b'?');
        text.extend_from_slice(query);
    }
    Target::from_bytes(Bytes::from(text)).map_err(|_| Rejection::Target)
}

/// The host without its port.
fn host(fields: &Fields) -> &[u8] {
    fields
        .get(FieldName::Host)
        .map_or(b"", crate::protocol::request::without_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(target: &str) -> Result<String, &'static str> {
        let target: Target = target.parse().unwrap();
        let path = DecodedPath::parse(target.path()).unwrap();
        normal(&path, &target)
            .map(|target| target.to_string())
            .map_err(|error| error.reason().as_str())
    }

    #[test]
    fn a_target_in_normal_form_keeps_its_query() {
        assert_eq!(normalised("//a/./b%20c/../d?x=//y"), Ok("/a/d?x=//y".to_owned()));
    }

    #[test]
    fn a_target_that_grows_too_long_is_refused_and_never_another_one() {
        let grown = format!("//{}", "{".repeat(30_000));
        assert_eq!(normalised(&grown), Err("bad_target"));
    }
}
