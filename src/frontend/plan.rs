//! What becomes of a request, as far as its head alone decides.
//!
//! Nothing is read from the client, sent to an application or logged here: the [service](super::service) acts
//! on the plan, and `bridgehead explain` shows it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};

use super::answer::Answer;
use super::inspect::{Inspected, inspect};
use super::php::{Resolved, Site, Unresolved};
use super::rejection::Rejection;
use super::request::Request;
use super::respond;
use super::route::{Handler, Mount, Route};
use super::router::Router;
use super::status::Status;
use super::{Config, config};
use crate::files::{self, DecodedPath, LookupError, Root};
use crate::protocol::fields::{FieldName, Fields};
use crate::protocol::request::{Client, RequestId, Script};
use crate::protocol::{RequestHead, Target};
use crate::upstream::Upstream;
use crate::upstream::config::ProtocolName;

/// A request that may be answered.
#[derive(Debug)]
pub struct Checked {
    /// Its head, with end-to-end fields only.
    pub head: Request,
    /// What was found out before the fields were cleaned.
    pub inspected: Inspected,
}

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
pub struct Destination<'r> {
    /// The route that says so.
    pub route: &'r config::Route,
    /// The application's workers.
    pub upstream: &'r Arc<Upstream>,
    /// What they are to run.
    pub script: Script,
}

/// What is known of a request's body before it is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Announced {
    /// See [`RequestHead::content_length`].
    pub length: Option<u64>,
    /// See [`RequestHead::chunked`].
    pub chunked: bool,
}

impl Checked {
    /// Refuses what must not go on.
    pub fn new(mut head: Request) -> Result<Self, Rejection> {
        if head.method == Method::CONNECT {
            return Err(Rejection::Method(respond::METHODS));
        }
        let inspected = inspect(&mut head)?;
        Ok(Self { head, inspected })
    }

    /// Whether it asks about the gateway as a whole: `OPTIONS *`.
    pub fn is_for_us(&self) -> bool {
        self.head.target.as_bytes() == b"*"
    }

    /// The path for every rule, and the route that it finds.
    pub fn route<'r>(&self, router: &'r Router<Route>) -> Result<(DecodedPath, &'r Route), Rejection> {
        let path = DecodedPath::of(&self.head.target.path_bytes())?;
        match router.find(host(&self.head.fields), &path) {
            Some(route) => Ok((path, route)),
            None => Err(Rejection::NotFound),
        }
    }

    /// What the route says is to be done.
    pub fn action<'r>(&mut self, route: &'r Route, path: &DecodedPath) -> Result<Action<'r>, Rejection> {
        let forward = |upstream, script| {
            Action::Forward(Destination {
                route: &route.config,
                upstream,
                script,
            })
        };
        Ok(match &route.handler {
            Handler::Respond(fixed) => Action::Answer(respond::fixed(fixed)),
            Handler::Status(status) => Action::Status(status),
            Handler::Redirect(redirect) => Action::Answer(respond::redirect(redirect, &self.head.target)?),
            Handler::Files(root, index) => Action::Answer(self.file(root, index, route, path)?),
            Handler::Php(upstream, site) => match self.resolve(site, path)? {
                Found::Script(script) => forward(upstream, script),
                Found::Answer(answer) => Action::Answer(answer),
            },
            Handler::Proxy(upstream, mount) => {
                let script = mounted(mount, path, self.head.target.path());
                if path.is_altered() && upstream.config().protocol == ProtocolName::Http {
                    self.head.target = normal(path, &self.head.target)?;
                }
                forward(upstream, script)
            }
        })
    }

    /// The request as its application gets it.
    pub fn into_head(
        self,
        to: Destination<'_>,
        client: Arc<Client>,
        body: Announced,
        id: RequestId,
    ) -> RequestHead {
        let Self { head, inspected } = self;
        let mut fields = head.fields;
        let http = to.upstream.config().protocol == ProtocolName::Http;
        let switch = inspected.upgrade.filter(|_| http);
        let upgrade = switch.is_some();
        if let Some(protocol) = switch {
            fields.set(FieldName::Connection, "upgrade");
            fields.try_set(FieldName::Upgrade, &protocol);
        }
        RequestHead {
            method: head.method,
            target: head.target,
            version: head.version,
            fields,
            client,
            script: to.script,
            content_length: body.length,
            chunked: body.chunked,
            upgrade,
            extra: to.route.params.clone(),
            id,
        }
    }

    fn resolve(&self, site: &Site, path: &DecodedPath) -> Result<Found, Rejection> {
        let resolved = site
            .resolve(path, self.head.target.path())
            .map_err(|error| match error {
                Unresolved::Path(error) => Rejection::Path(error),
                Unresolved::Lookup(error) => lookup(error),
                Unresolved::SuffixCase => Rejection::NotFound,
            })?;
        let request = self.for_files(path);
        Ok(match resolved {
            Resolved::Script(script) => Found::Script(script),
            Resolved::File(opened, name) => Found::Answer(answered(files::file(opened, &name, &request))?),
            Resolved::Redirect => Found::Answer(files::redirect(&request).into()),
        })
    }

    fn file(&self, root: &Root, index: &str, route: &Route, path: &DecodedPath) -> Result<Answer, Rejection> {
        path.check_file()?;
        let start = path.split_at_prefix(&route.config.path).unwrap_or(0);
        let relative = path.relative(start, path.as_bytes().len())?;
        let answer = files::respond(root, index, &relative, &self.for_files(path));
        answered(answer)
    }

    fn for_files<'a>(&'a self, path: &'a DecodedPath) -> files::Request<'a> {
        files::Request {
            method: &self.head.method,
            fields: &self.head.fields,
            path,
            query: self.head.target.query(),
        }
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
            .map_err(|error| error.reason())
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
