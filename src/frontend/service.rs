//! A request's way, from hyper's hands and back: readable from top to bottom.

use std::sync::{Arc, Mutex};

use http::header::{CONNECTION, CONTENT_LENGTH, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use super::body::Body;
use super::config::{self, Config};
use super::download::Downloads;
use super::forwarded::Connected;
use super::idle::Requests;
use super::lasting::Lasting;
use super::places::Place;
use super::plan::{self, Action, Announced, Checked, Destination};
use super::record::{Logged, Record};
use super::rejection::Rejection;
use super::respond;
use super::route::Route;
use super::router::Router;
use super::socket::Patience;
use super::status::Status;
use super::tunnel::{self, Tunnel};
use super::upload::{Rules, Upload};
use crate::protocol::{RequestHead, hop_by_hop};
use crate::spool::{self, Spools};
use crate::telemetry::{AccessLog, Counters};
use crate::transport::Notice;
use crate::upstream::config::ProtocolName;
use crate::upstream::{self, Options, Relays, RequestBody, Switched, Trace, Upstream};

/// Everything that answers requests. Immutable; shared by all connections.
pub struct Service {
    pub(super) config: Config,
    router: Router<Route>,
    spools: Spools,
    pub(super) relays: Relays,
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
    /// How many requests came on it.
    pub(super) requests: Requests,
    /// How fast its client takes the answers that have a least rate.
    pub(super) downloads: Downloads,
    /// Where log lines of its requests are made.
    pub(super) scratch: Mutex<Vec<u8>>,
    /// Given when it is to end as soon as nobody is hurt by it.
    pub(super) leave: Arc<Notice>,
    _place: Place,
}

impl Connection {
    /// A connection without requests.
    pub fn new(connected: Connected, patience: Patience, leave: Arc<Notice>, place: Place) -> Self {
        Self {
            connected,
            patience,
            requests: Requests::default(),
            downloads: Downloads::default(),
            scratch: Mutex::new(Vec::new()),
            leave,
            _place: place,
        }
    }

    /// The requests so far, if none is under way and no byte of another one has come.
    pub(super) fn at_rest(&self) -> Option<usize> {
        self.requests.at_rest().filter(|_| !self.patience.has_begun())
    }
}

impl Service {
    /// A service over routes that are ready.
    pub fn new(
        config: Config,
        routes: Vec<Route>,
        relays: Relays,
        log: Arc<AccessLog>,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            router: plan::router(&config, routes),
            config,
            spools: relays.spools().clone(),
            relays,
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
            match response.extensions_mut().remove::<Tunnel>() {
                Some(tunnel) => tokio::spawn(tunnel.run(client, connection.clone())),
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
        let (parts, incoming) = request.into_parts();
        let mut request = Checked::new(parts)?;
        self.counters.fields_dropped.add(request.inspected.dropped as u64);
        if request.inspected.awaited {
            record.awaited();
        }
        if request.is_for_us() {
            return Ok(respond::options());
        }
        let (path, route) = request.route(&self.router)?;
        record.least(route.config.limits.download());
        let mut response = match request.action(route, &path)? {
            Action::Answer(response) => response,
            Action::Forward(to) => self.forward(request, incoming, to, connection, record).await?,
            Action::Status(status) => self.status(status, &mut request, connection)?,
        };
        for (name, value) in &route.config.headers {
            response.headers_mut().insert(name, value.clone());
        }
        Ok(response)
    }

    /// Tells what was counted to who may know.
    fn status(
        &self,
        status: &Status,
        request: &mut Checked,
        connection: &Connection,
    ) -> Result<Response<Body>, Rejection> {
        let parts = &mut request.parts;
        let client = connection
            .connected
            .client(&mut parts.headers, &self.config.trusted_proxies);
        status.admit(
            &parts.method,
            client.remote.as_ref().map(|peer| peer.address.ip()),
        )?;
        self.counters.access_lines_dropped.set(self.log.dropped());
        self.counters.spool_bytes.set(self.spools.bytes_on_disk());
        Ok(status.answer(&self.counters))
    }

    /// Sends a request to its application.
    async fn forward(
        &self,
        mut request: Checked,
        incoming: Incoming,
        to: Destination<'_>,
        connection: &Connection,
        record: &mut Record,
    ) -> Result<Response<Body>, Rejection> {
        let Destination { route, upstream, .. } = to;
        let http = upstream.config().protocol == ProtocolName::Http;
        let rules = Rules {
            limits: route.limits,
            buffering: route.buffering,
            pause: self.config.timeouts.body,
            unknown_length: http && upstream.config().quirks.chunked_body,
        };
        let upload = Upload::take(incoming, request.inspected.announced, &rules, &self.spools).await?;
        record.received(upload.length);
        if !upload.body.is_held() {
            // Who streams to an application and goes away is to be noticed at once.
            connection.patience.lose();
        }
        let client = connection
            .connected
            .client(&mut request.parts.headers, &self.config.trusted_proxies);
        let body = Announced {
            length: upload.length,
            chunked: upload.chunked,
        };
        let head = request.into_head(to, client, body, record.id());
        let options = self.options(route, head.version);
        let mut response = if route.ignore_client_abort {
            detached(upstream.clone(), head, upload.body, options, record.trace()).await?
        } else {
            upstream.send(&head, upload.body, options, record.trace()).await?
        };
        if connection.patience.is_blocked() {
            // An earlier answer is still on its way: this one will not be asked for soon.
            response.body_mut().detach();
        }
        Ok(relayed(response, http, upstream.over()))
    }

    /// How an answer on this route goes to its client.
    fn options(&self, route: &config::Route, version: Version) -> Options<'_> {
        Options {
            ignore_abort: route.ignore_client_abort,
            buffered: route.buffering.response,
            limits: spool::Limits {
                memory: route.buffering.memory,
                disk: route.buffering.disk,
            },
            taken: match version {
                // A stream's window may be closed before its first byte.
                Version::HTTP_2 => 0,
                _ => self.config.send_buffer() / 2,
            },
            relays: &self.relays,
        }
    }
}

/// Sends a request in a task of its own, which goes on when the client leaves.
async fn detached(
    upstream: Arc<Upstream>,
    head: RequestHead,
    body: RequestBody,
    options: Options<'_>,
    trace: &mut Trace,
) -> Result<Response<upstream::Body>, Rejection> {
    let Options {
        ignore_abort,
        buffered,
        limits,
        taken,
        relays,
    } = options;
    let relays = relays.clone();
    let sent = tokio::spawn(async move {
        let mut trace = Trace::default();
        let options = Options {
            ignore_abort,
            buffered,
            limits,
            taken,
            relays: &relays,
        };
        let answer = upstream.send(&head, body, options, &mut trace).await;
        (answer, trace)
    });
    let (answer, seen) = sent.await.map_err(|_| Rejection::Internal)?;
    *trace = seen;
    Ok(answer?)
}

/// An application's answer, as the client gets it. What is not complete goes on until it is `over`.
fn relayed(response: Response<upstream::Body>, http: bool, over: &Arc<Notice>) -> Response<Body> {
    let mut response = response.map(|body| match body {
        upstream::Body::Full(_) => Body::Upstream(body),
        going_on => Body::Lasting(Box::new(Lasting::new(going_on, over.clone()))),
    });
    if response.status() == StatusCode::RESET_CONTENT {
        // Has no content, but is framed like answers that have (RFC 9110, section 15.3.6).
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::Empty;
    }
    if !http {
        return response;
    }
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let switched = response.extensions_mut().remove::<Switched>();
    let headers = response.headers_mut();
    let protocol = headers.get(UPGRADE).cloned().filter(|_| switches);
    hop_by_hop::strip(headers);
    if let Some(protocol) = protocol {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    if let Some(switched) = switched {
        response
            .extensions_mut()
            .insert(Tunnel::new(switched, over.clone()));
    }
    response
}
