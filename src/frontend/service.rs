//! A request's way, from its connection and back: readable from top to bottom.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{StatusCode, Version};
use tokio::time::Instant;

use super::answer::Answer;
use super::body::Body;
use super::config::{self, Config};
use super::connection_limit::Permit;
use super::download::Downloads;
use super::edge;
use super::exchange::Exchange;
use super::forwarded::Connected;
use super::idle::Requests;
use super::inspect::inspect;
use super::plan::{self, Action, Announced, Destination};
use super::rejection::Rejection;
use super::respond;
use super::route::Route;
use super::router::Router;
use super::status::Status;
use super::streaming_body::StreamingBody;
use super::tunnel::Tunnel;
use super::upload::{Incoming, Rules, Upload};
use crate::protocol::fields::{FieldName, Fields};
use crate::protocol::request::RequestId;
use crate::protocol::{RequestHead, http1};
use crate::spool::{self, Spools};
use crate::telemetry::{AccessLog, Counters, Phase, RouteTimes, SlowLog};
use crate::transport::Latch;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::{self, Interim, Options, Relays, RequestBody, Trace, Upstream};

/// Everything that answers requests. Immutable; shared by all connections.
pub struct Service {
    pub(super) config: Config,
    /// What new connections keep of it.
    pub(super) edge: Arc<edge::Settings>,
    router: Router<Route>,
    /// Those of the routes, in the order of the configuration.
    pub(super) times: Box<[Arc<RouteTimes>]>,
    spools: Spools,
    pub(super) relays: Relays,
    pub(super) log: Arc<AccessLog>,
    pub(super) slow: SlowLog,
    pub(super) counters: Arc<Counters>,
}

/// What the service knows about the connection that a request came on.
#[derive(Debug)]
pub struct Connection {
    /// Its two ends.
    pub connected: Connected,
    /// How many requests came on it.
    pub(super) requests: Requests,
    /// How fast its client takes the answers that have a least rate.
    pub(super) downloads: Downloads,
    /// Interim answers that wait for the connection to write them: HTTP/1.1 only.
    interim: Mutex<Vec<u8>>,
    /// It ends with a reset, whatever is on its way.
    cut: AtomicBool,
    /// Set when it is to end as soon as nobody is hurt by it.
    pub(super) leave: Arc<Latch>,
    _permit: Permit,
}

/// A request that is being answered.
pub enum Begun<'s> {
    /// With all there is to say.
    Answered(Box<Exchange>),
    /// By an application, some time.
    Forwarded(Pin<Box<dyn Future<Output = Box<Exchange>> + Send + 's>>),
}

impl Connection {
    /// A connection without requests.
    pub fn new(connected: Connected, leave: Arc<Latch>, permit: Permit) -> Self {
        Self {
            connected,
            requests: Requests::default(),
            downloads: Downloads::default(),
            interim: Mutex::default(),
            cut: AtomicBool::new(false),
            leave,
            _permit: permit,
        }
    }
}

impl Connection {
    /// The interim answers that are to be written now.
    pub(super) fn take_interim(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock_interim())
    }

    fn lock_interim(&self) -> MutexGuard<'_, Vec<u8>> {
        self.interim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it ends with a reset.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// It may end as others do.
    pub(super) fn spare(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }

    /// Whether it ends with a reset.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}

/// Interim answers go to the client at once (RFC 9110, section 15.2), as far as they are few.
impl Interim for Connection {
    fn interim(&self, status: StatusCode, fields: &Fields) {
        let mut waiting = self.lock_interim();
        if waiting.len() < INTERIM {
            http1::answer::put_interim(status, fields, &mut waiting);
        }
    }
}

/// Bytes of interim answers that wait for a client; above it, more of them are dropped.
const INTERIM: usize = 16 * 1024;

impl Service {
    /// A service over routes that are ready.
    pub fn new(
        config: Config,
        mut routes: Vec<Route>,
        relays: Relays,
        log: Arc<AccessLog>,
        slow: SlowLog,
        counters: Arc<Counters>,
    ) -> Self {
        for (number, route) in routes.iter_mut().enumerate() {
            route.number = number;
        }
        Self {
            times: routes.iter().map(|route| route.times.clone()).collect(),
            router: plan::router(&config, routes),
            edge: Arc::new(edge::Settings::of(&config)),
            config,
            spools: relays.spools().clone(),
            relays,
            log,
            slow,
            counters,
        }
    }

    /// Begins to answer a request. Whatever goes wrong becomes an answer, and one line in the access log. `body` gives
    /// what is left of the request; it is asked only for an application.
    pub fn begin<'s, B: Incoming>(
        &'s self,
        mut exchange: Box<Exchange>,
        body: impl FnOnce() -> B,
    ) -> Begun<'s> {
        match self.decide(&mut exchange) {
            Ok(Some(to)) => return Begun::Forwarded(Box::pin(self.forward(exchange, body(), to))),
            Ok(None) => exchange.record.ours(),
            Err(rejection) => exchange.reject(&rejection),
        }
        exchange.decided();
        Begun::Answered(exchange)
    }

    /// Answers a request that was refused while its head was read.
    pub fn refuse(mut exchange: Box<Exchange>, rejection: &Rejection) -> Box<Exchange> {
        if let Rejection::Request(error) = rejection {
            exchange.request.seen(&error.target);
        }
        exchange.reject(rejection);
        exchange.decided();
        exchange
    }

    /// Checks a request; where it goes to, unless it is answered.
    fn decide(&self, exchange: &mut Exchange) -> Result<Option<Destination<'_>>, Rejection> {
        inspect(&mut exchange.request)?;
        let inspected = &exchange.request.inspected;
        if inspected.dropped > 0 {
            self.counters.fields_dropped.add(inspected.dropped as u64);
        }
        if inspected.awaited {
            exchange.awaited();
        }
        if plan::is_for_us(&exchange.request) {
            exchange.answer = respond::options();
            return Ok(None);
        }
        let (path, route) = plan::route(&exchange.request, &self.router)?;
        exchange.record.routed(route);
        exchange.least(route.config.limits.download());
        exchange.answer = match plan::action(&mut exchange.request, route, &path)? {
            Action::Answer(answer) => answer,
            Action::Forward(to) => return Ok(Some(to)),
            Action::Status(status) => self.status(status, exchange)?,
        };
        exchange.answer.fields.set_all(&route.config.headers);
        Ok(None)
    }

    /// Tells what was counted to who may know.
    fn status(&self, status: &Status, exchange: &mut Exchange) -> Result<Answer, Rejection> {
        let head = &mut exchange.request.head;
        let connected = &exchange.connection.connected;
        head.client = connected.client(&mut head.fields, &self.config.trusted_proxies);
        let ip = head.client.remote.as_ref().map(|peer| peer.address.ip());
        status.admit(&head.method, ip)?;
        self.counters.access_lines_dropped.set(self.log.dropped());
        self.counters.spool_bytes.set(self.spools.bytes_on_disk());
        Ok(status.answer(&self.counters, head.fields.get(FieldName::Accept)))
    }

    /// Has an application answer.
    async fn forward(
        &self,
        mut exchange: Box<Exchange>,
        body: impl Incoming,
        to: Destination<'_>,
    ) -> Box<Exchange> {
        match self.send(&mut exchange, body, &to).await {
            Ok(()) => exchange.answer.fields.set_all(&to.route.headers),
            Err(rejection) => exchange.reject(&rejection),
        }
        exchange.decided();
        exchange
    }

    /// Sends a request to its application, and takes its answer.
    async fn send(
        &self,
        exchange: &mut Exchange,
        body: impl Incoming,
        to: &Destination<'_>,
    ) -> Result<(), Rejection> {
        let Destination { route, upstream } = *to;
        let announced = exchange.request.inspected.announced;
        let (upload, now) = match Upload::none(&body, announced) {
            Some(upload) => (upload, exchange.record.since()),
            None => {
                exchange.record.uploads();
                let rules = self.rules(to);
                let upload = Box::pin(Upload::take(body, announced, &rules, &self.spools)).await?;
                (upload, Instant::now())
            }
        };
        let Upload {
            body: content,
            length,
            chunked,
        } = upload;
        exchange.received(length);
        let Exchange {
            request,
            record,
            connection,
            ..
        } = exchange;
        let head = &mut request.head;
        head.client = connection
            .connected
            .client(&mut head.fields, &self.config.trusted_proxies);
        plan::complete(request, *to, Announced { length, chunked });
        let options = self.options(route, request.head.version, connection, now);
        let answer = match route.ignore_client_abort {
            true => {
                let (upstream, head) = (upstream.clone(), request.head.clone());
                Box::pin(detached(upstream, head, content, options, &mut record.trace)).await?
            }
            false => {
                let sent = upstream.send(&request.head, content, &options, &mut record.trace);
                sent.await?
            }
        };
        let (id, silence) = (request.head.id, self.config.timeouts.tunnel);
        exchange.answer = relayed(answer, upstream.retired(), silence, id);
        Ok(())
    }

    /// How the body of a request is to be taken.
    fn rules(&self, to: &Destination<'_>) -> Rules {
        let Destination { route, upstream } = *to;
        let http = upstream.config().protocol == ProtocolName::Http;
        Rules {
            limits: route.limits,
            buffering: route.buffering,
            pause: self.config.timeouts.body,
            unknown_length: http && upstream.config().quirks.chunked_body,
        }
    }

    /// How an answer on this route goes to its client.
    fn options<'a>(
        &'a self,
        route: &config::Route,
        version: Version,
        connection: &'a Connection,
        now: Instant,
    ) -> Options<'a> {
        Options {
            ignore_abort: route.ignore_client_abort,
            buffered: route.buffering.response,
            limits: spool::Limits {
                memory: route.buffering.memory,
                disk: route.buffering.disk,
            },
            taken: match version {
                // A stream's window may be closed before its first byte.
                Version::HTTP_2 => Some(0),
                // The connection says when its client does not take more.
                _ => None,
            },
            // HTTP/1.0 knows none. hyper's HTTP/2 server (1.12) has no way to send one: of h2's `SendResponse` below it,
            // which has, a service sees nothing.
            interim: (version == Version::HTTP_11).then_some(connection as &dyn Interim),
            now,
            relays: &self.relays,
        }
    }
}

/// Sends a request in a task of its own, which goes on when the client leaves; so nothing of the client's can hear of
/// interim answers.
async fn detached(
    upstream: Arc<Upstream>,
    head: RequestHead,
    body: RequestBody,
    options: Options<'_>,
    trace: &mut Trace,
) -> Result<upstream::Answer, Rejection> {
    let Options {
        ignore_abort,
        buffered,
        limits,
        taken,
        interim: _,
        now,
        relays,
    } = options;
    let relays = relays.clone();
    let mut own = trace.clone();
    // All that can be said of it if the client leaves before the task tells more.
    trace.enter(Phase::Head, now);
    let sent = tokio::spawn(async move {
        let options = Options {
            ignore_abort,
            buffered,
            limits,
            taken,
            interim: None,
            now,
            relays: &relays,
        };
        let answer = upstream.send(&head, body, &options, &mut own).await;
        (answer, own)
    });
    let (answer, seen) = sent.await.map_err(|_| Rejection::Internal)?;
    *trace = seen;
    Ok(answer?)
}

/// An application's answer to the request `id`, as the client gets it. What is not complete goes on until it is `over`,
/// a tunnel also until `silence`.
fn relayed(answer: upstream::Answer, over: &Arc<Latch>, silence: Duration, id: RequestId) -> Answer {
    let body = match answer.body {
        upstream::Body::Switched(switched) => {
            Body::Tunnel(Box::new(Tunnel::new(*switched, over.clone(), silence, id)))
        }
        // Has no content, but is framed like answers that have (RFC 9110, section 15.3.6).
        _ if answer.status == StatusCode::RESET_CONTENT => Body::Empty,
        complete @ upstream::Body::Full(_) => Body::Upstream(complete),
        going_on => Body::StreamingBody(Box::new(StreamingBody::new(going_on, over.clone()))),
    };
    Answer {
        status: answer.status,
        fields: answer.fields,
        length: answer.length,
        body,
    }
}
