//! A request's way, from hyper's hands and back: readable from top to bottom.

use std::sync::{Arc, Mutex};

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, UPGRADE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::body::Body;
use super::config::Config;
use super::forwarded::Connected;
use super::inspect::{Inspected, inspect};
use super::php::{Resolved, Site, Unresolved};
use super::record::{Logged, Record};
use super::rejection::Rejection;
use super::route::{Handler, Mount, Route};
use super::router::Router;
use super::socket::Patience;
use super::upload::{Rules, Upload};
use super::{respond, tunnel};
use crate::files::{self, DecodedPath, LookupError, Root};
use crate::protocol::request::Script;
use crate::protocol::{RequestHead, hop_by_hop};
use crate::spool::Spools;
use crate::telemetry::{AccessLog, Counters};
use crate::upstream::config::ProtocolName;
use crate::upstream::{self, Options, RequestBody, Switched, Trace, Upstream};

/// Everything that answers requests. Immutable; shared by all connections.
pub struct Service {
    pub(super) config: Config,
    router: Router<Route>,
    spools: Spools,
    pub(super) log: Arc<AccessLog>,
    pub(super) counters: Arc<Counters>,
}

/// What the service knows about the connection that a request came on.
#[derive(Debug)]
pub struct Connection {
    /// Its two ends.
    pub connected: Connected,
    /// Whether a half-closed client still gets its answer.
    pub patience: Patience,
    /// Where log lines of its requests are made.
    pub(super) scratch: Mutex<Vec<u8>>,
}

impl Connection {
    /// A connection without requests.
    pub fn new(connected: Connected, patience: Patience) -> Self {
        Self {
            connected,
            patience,
            scratch: Mutex::new(Vec::new()),
        }
    }
}

/// A request that may be answered.
struct Checked {
    parts: Parts,
    inspected: Inspected,
    incoming: Incoming,
    /// In origin form.
    target: PathAndQuery,
}

impl Service {
    /// A service over routes that are ready.
    pub fn new(
        config: Config,
        routes: Vec<Route>,
        spools: Spools,
        log: Arc<AccessLog>,
        counters: Arc<Counters>,
    ) -> Self {
        let rules = config
            .routes
            .iter()
            .zip(routes)
            .map(|(rule, route)| (rule, Arc::new(route)))
            .collect();
        Self {
            router: Router::new(rules),
            config,
            spools,
            log,
            counters,
        }
    }

    /// Answers one request. Whatever goes wrong becomes an answer, and one line in the access log.
    pub async fn handle(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Response<Logged> {
        let mut record = Record::begin(self, &request, connection);
        let may_switch = *request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE);
        let tunnel = may_switch.then(|| hyper::upgrade::on(&mut request));
        let mut response = match self.answer(request, connection, &mut record).await {
            Ok(response) => response,
            Err(rejection) => record.reject(&rejection),
        };
        if let Some(client) = tunnel {
            match response.extensions_mut().remove::<Switched>() {
                Some(backend) => tokio::spawn(tunnel::run(client, backend)),
                None => tokio::spawn(tunnel::decline(client)),
            };
        }
        record.answered(response)
    }

    /// A connection on which hyper answered by itself: what it could not parse never becomes a request.
    pub fn refused(self: &Arc<Self>, error: &hyper::Error, connection: &Arc<Connection>) {
        if error.is_parse() || error.is_parse_too_large() {
            tracing::debug!(peer = ?connection.connected.peer(), %error, "request refused by the parser");
            self.counters.error("bad_request");
            Record::unparsed(self, connection, error.is_parse_too_large());
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
        record: &mut Record,
    ) -> Result<Response<Body>, Rejection> {
        let (mut parts, incoming) = request.into_parts();
        if parts.method == Method::CONNECT {
            return Err(Rejection::Method(respond::METHODS));
        }
        let inspected = inspect(&mut parts)?;
        self.counters.fields_dropped.add(inspected.dropped as u64);
        if inspected.awaited {
            record.awaited();
        }
        let target = parts
            .uri
            .path_and_query()
            .cloned()
            .unwrap_or(PathAndQuery::from_static("/"));
        if target.as_str() == "*" {
            return Ok(respond::options());
        }
        let path = DecodedPath::parse(target.path().as_bytes())?;
        let route = self
            .router
            .find(host(&parts.headers), &path)
            .ok_or(Rejection::NotFound)?;
        let request = Checked {
            parts,
            inspected,
            incoming,
            target,
        };
        let mut response = match &route.handler {
            Handler::Respond(fixed) => respond::fixed(fixed),
            Handler::Redirect(redirect) => respond::redirect(redirect, &request.target)?,
            Handler::Files(root, index) => request.file(root, index, route, &path)?,
            Handler::Php(upstream, site) => match request.resolve(site, &path)? {
                Found::Script(script) => {
                    self.forward(request, script, route, upstream, connection, record)
                        .await?
                }
                Found::Answer(response) => response,
            },
            Handler::Proxy(upstream, mount) => {
                let script = mounted(mount, &path, request.target.path());
                let mut request = request;
                if path.is_altered() && upstream.config().protocol == ProtocolName::Http {
                    request.target = normal(&path, &request.target);
                }
                self.forward(request, script, route, upstream, connection, record)
                    .await?
            }
        };
        for (name, value) in &route.config.headers {
            response.headers_mut().insert(name, value.clone());
        }
        Ok(response)
    }

    /// Sends a request to its application.
    async fn forward(
        &self,
        request: Checked,
        script: Script,
        route: &Route,
        upstream: &Arc<Upstream>,
        connection: &Connection,
        record: &mut Record,
    ) -> Result<Response<Body>, Rejection> {
        let Checked {
            mut parts,
            inspected,
            incoming,
            target,
        } = request;
        let http = upstream.config().protocol == ProtocolName::Http;
        let rules = Rules {
            limits: route.config.limits,
            buffering: route.config.buffering,
            pause: self.config.timeouts.body,
            unknown_length: http,
        };
        let upload = Upload::take(incoming, inspected.announced, &rules, &self.spools).await?;
        record.received(upload.length);
        if !upload.body.is_held() {
            // Who streams to an application and goes away is to be noticed at once.
            connection.patience.end();
        }
        let client = connection
            .connected
            .client(&mut parts.headers, &self.config.trusted_proxies);
        let switch = inspected.upgrade.filter(|_| http);
        let upgrade = switch.is_some();
        if let Some(protocol) = switch {
            parts
                .headers
                .insert(CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(UPGRADE, protocol);
        }
        let head = RequestHead {
            method: parts.method,
            target,
            version: parts.version,
            headers: parts.headers,
            client,
            script,
            content_length: upload.length,
            chunked: upload.chunked,
            upgrade,
            extra: route.config.params.clone(),
            id: record.id(),
        };
        let response = if route.config.ignore_client_abort {
            detached(upstream.clone(), head, upload.body, record.trace()).await?
        } else {
            upstream
                .send(&head, upload.body, Options::default(), record.trace())
                .await?
        };
        Ok(relayed(response, http))
    }
}

/// Sends a request in a task of its own, which goes on when the client leaves.
async fn detached(
    upstream: Arc<Upstream>,
    head: RequestHead,
    body: RequestBody,
    trace: &mut Trace,
) -> Result<Response<upstream::Body>, Rejection> {
    let sent = tokio::spawn(async move {
        let mut trace = Trace::default();
        let answer = upstream
            .send(&head, body, Options { ignore_abort: true }, &mut trace)
            .await;
        (answer, trace)
    });
    let (answer, seen) = sent.await.map_err(|_| Rejection::Internal)?;
    *trace = seen;
    Ok(answer?)
}

/// An application's answer, as the client gets it.
fn relayed(response: Response<upstream::Body>, http: bool) -> Response<Body> {
    let mut response = response.map(Body::Upstream);
    if response.status() == StatusCode::RESET_CONTENT {
        // Has no content, but is framed like answers that have (RFC 9110, section 15.3.6).
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::Empty;
    }
    if !http {
        return response;
    }
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    let protocol = headers.get(UPGRADE).cloned().filter(|_| switched);
    hop_by_hop::strip(headers);
    if let Some(protocol) = protocol {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    response
}

/// What the document root says about a path.
enum Found {
    Script(Script),
    Answer(Response<Body>),
}

impl Checked {
    fn resolve(&self, site: &Site, path: &DecodedPath) -> Result<Found, Rejection> {
        let resolved = site
            .resolve(path, self.target.path().as_bytes())
            .map_err(|error| match error {
                Unresolved::Path(error) => Rejection::Path(error),
                Unresolved::Lookup(error) => lookup(error),
                Unresolved::SuffixCase => Rejection::NotFound,
            })?;
        let request = self.for_files(path);
        Ok(match resolved {
            Resolved::Script(script) => Found::Script(script),
            Resolved::File(opened, name) => Found::Answer(
                files::file(opened, &name, &request)
                    .map_err(lookup)?
                    .map(Body::File),
            ),
            Resolved::Redirect => Found::Answer(files::redirect(&request).map(Body::File)),
        })
    }

    fn file(
        &self,
        root: &Root,
        index: &str,
        route: &Route,
        path: &DecodedPath,
    ) -> Result<Response<Body>, Rejection> {
        path.check_file()?;
        let start = path.split_at_prefix(&route.config.path).unwrap_or(0);
        let relative = path.relative(start, path.as_bytes().len())?;
        let answer = files::respond(root, index, &relative, &self.for_files(path));
        Ok(answer.map_err(lookup)?.map(Body::File))
    }

    fn for_files<'a>(&'a self, path: &'a DecodedPath) -> files::Request<'a> {
        let query = self.target.query();
        files::Request {
            method: &self.parts.method,
            headers: &self.parts.headers,
            path,
            query,
        }
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
fn mounted(mount: &Mount, path: &DecodedPath, encoded: &str) -> Script {
    let name = std::str::from_utf8(&mount.name).unwrap_or("");
    let at = path.split_at_prefix(name).unwrap_or(0);
    Script {
        name: mount.name.clone(),
        path_info: path.to_bytes().slice(at..),
        path_info_encoded: path.encoded_tail(encoded.as_bytes(), at),
        filename: mount.filename.clone(),
        document_root: mount.document_root.clone(),
    }
}

/// The target with its path in normal form: the backend must not see another path than the router did.
fn normal(path: &DecodedPath, target: &PathAndQuery) -> PathAndQuery {
    let encoded = path.encoded_tail(target.path().as_bytes(), 0);
    let mut text = String::from_utf8_lossy(&encoded).into_owned();
    if let Some(query) = target.query() {
        text.push('?');
        text.push_str(query);
    }
    text.parse().unwrap_or(PathAndQuery::from_static("/"))
}

/// The host without its port.
fn host(headers: &HeaderMap) -> &[u8] {
    headers.get(HOST).map_or(b"", |host| {
        crate::protocol::request::without_port(host.as_bytes())
    })
}
