//! What the gateway would do with a request: `bridgehead explain`.
//!
//! Nothing is listened on, connected to or sent. Every decision is made by the function that the service
//! makes it with ([`serve`], [`forward`], [`Upstream::preview`]); only the words are made here.

mod account;
mod fields;
mod health;
mod matched;
mod precedence;
mod shown;
mod text;

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use http::{Method, StatusCode, Uri, Version};

use super::open;
use crate::config::Config;
use crate::files::DecodedPath;
use crate::frontend::body::Body;
use crate::frontend::config::{Handler, Respond};
use crate::frontend::connection::Connection;
use crate::frontend::connection_limit::ConnectionLimit;
use crate::frontend::exchange::Exchange;
use crate::frontend::forward::{self, Announced, Destination};
use crate::frontend::forwarded::Connected;
use crate::frontend::limits::Limits;
use crate::frontend::rejection::Rejection;
use crate::frontend::serve::Next;
use crate::frontend::{self, Answer, ExchangeContext, FrontendConfig, Request, Service, serve, upload};
use crate::protocol::Target;
use crate::protocol::fields::{FieldName, FieldValue, Fields};
use crate::spool::Spools;
use crate::telemetry::{AccessLog, Counters, LogConfig, SlowLog};
use crate::transport::Address;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::{Failure, Preview, Relays, Upstream};

pub use account::Explanation;
use account::{Answered, Forwarded, Outcome, Refused};
use fields::LeftOut;
use matched::Matched;
use precedence::Precedence;
use shown::pairs;

/// A request as a client would send it.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its method.
    pub method: Method,
    /// A URL, or the path alone.
    pub url: Uri,
    /// Its fields; `Host` comes from the URL unless it is among them.
    pub fields: Fields,
    /// Where it comes from; this machine unless named.
    pub from: Option<IpAddr>,
}

/// Says what a gateway with this configuration would do. Fails like the gateway would when it starts, but for the
/// directories of routes that the request does not come to: those are not opened.
pub fn explain(config: Config, question: Question) -> Result<Explanation> {
    let from = question.from;
    let original = request(question)?;
    let configs = config.upstreams.iter().cloned();
    let upstreams: Vec<_> = configs.map(|config| Arc::new(Upstream::new(config))).collect();
    let mut open = HashSet::new();
    loop {
        let gateway = Gateway::new(&config, &upstreams, &open)?;
        let (explanation, reached) = gateway.explain(&original, from);
        // What was said so far is what a stand-in said.
        let closed = reached.filter(|route| open.insert(*route));
        if closed.is_none() {
            return Ok(explanation);
        }
    }
}

/// A gateway that listens nowhere.
struct Gateway {
    frontend: FrontendConfig,
    service: Service,
}

impl Gateway {
    /// Opens the directories of these routes. A stand-in answers for the others that have one.
    fn new(config: &Config, upstreams: &[Arc<Upstream>], open: &HashSet<usize>) -> Result<Self> {
        let frontend = config.frontend.clone();
        let counters = Arc::new(Counters::default());
        // Nothing was asked before: all of them let the request go on at once.
        let limits = Limits::new(&frontend.limits, None, &counters.limits);
        let routes = frontend.routes.iter().enumerate().map(|(number, route)| {
            let mut route = route.clone();
            if route.root().is_some() && !open.contains(&number) {
                route.handler = Handler::Respond(Respond::default());
            }
            let root = open::root(&route, None, &open::Progress::default())?;
            anyhow::Ok(frontend::Route::new(route, root, upstreams, &limits))
        });
        let routes = routes.collect::<Result<_>>()?;
        let context = ExchangeContext {
            trust: frontend.trust.clone(),
            relays: Relays::new(Spools::new(config.server.spool.clone()), counters.clone()),
            log: Arc::new(AccessLog::new(None, &LogConfig::default())),
            counters,
            slow: SlowLog::default(),
            routes: Box::default(),
            listeners: Box::default(),
            route_logs: Box::default(),
        };
        Ok(Self {
            service: Service::new(&frontend, routes, context),
            frontend,
        })
    }

    /// What becomes of a request, and the number of the route with a directory that it comes to.
    fn explain(&self, original: &Request, from: Option<IpAddr>) -> (Explanation, Option<usize>) {
        let mut explanation = Explanation::of(original);
        let mut exchange = self.exchange(original, from);
        explanation.outcome = match self.outcome(original, &mut exchange, &mut explanation) {
            Ok(outcome) => outcome,
            Err(rejection) => {
                let why = self.why(&rejection, &exchange, &explanation);
                Outcome::Refused(Refused::new(&rejection, why))
            }
        };
        let routes = &self.frontend.routes;
        let last = exchange.route();
        if let Some(last) = last.filter(|last| explanation.first != Some(*last)) {
            explanation.then = Some(Matched::rule(&routes[last]));
        }
        let number = last.filter(|number| routes[*number].root().is_some());
        (explanation, number)
    }

    /// The way of [`serve`].
    fn outcome(
        &self,
        original: &Request,
        exchange: &mut Exchange,
        explanation: &mut Explanation,
    ) -> Result<Outcome, Rejection> {
        serve::check(exchange)?;
        let checked = &exchange.request.head.fields;
        explanation.left_out = fields::left_out(&original.fields, checked, LeftOut::by_check);
        if !frontend::options::is_asked(&exchange.request) {
            let (path, route) = self.service.route(exchange)?;
            let routes = &self.frontend.routes;
            let others = self.service.candidates(exchange, path.as_bytes());
            let next = others.get(1).map(|route| &routes[route.number]);
            explanation.path = Some(shown::text(path.as_bytes()));
            explanation.first = Some(route.number);
            explanation.route = Some(Matched::rule(&routes[route.number]));
            explanation.before = next.map(|next| Precedence::of(&routes[route.number], next));
        }
        let mut next = serve::decide(&self.service, exchange)?;
        if matches!(next, Next::Wait(_)) {
            // A password would be compared: what comes after one that is right is of interest.
            exchange.request.vouch();
            next = serve::decide(&self.service, exchange)?;
        }
        match next {
            Next::Answered => Ok(answered(&exchange.answer)),
            Next::Forward(to) => forward(exchange, to, original, explanation),
            Next::Wait(_) => Err(Rejection::Internal),
        }
    }

    /// The request as a connection would hand it over.
    fn exchange(&self, original: &Request, from: Option<IpAddr>) -> Box<Exchange> {
        let context = self.service.context();
        let limit = Arc::new(ConnectionLimit::new(1, context.counters.clone()));
        let connection = Connection::new(self.connected(from), Arc::default(), limit.take());
        Exchange::new(context, &Arc::new(connection), original.clone())
    }

    /// The ends of the connection: the client's is made up, ours is the first listener.
    fn connected(&self, from: Option<IpAddr>) -> Connected {
        let local = match self.frontend.listeners.first().map(|listener| &listener.address) {
            Some(Address::Tcp(address)) => Some(SocketAddr::new(reachable(address.ip()), address.port())),
            _ => None,
        };
        let from = from.or(local.map(|_| Ipv4Addr::LOCALHOST.into()));
        let remote = from.map(|ip| SocketAddr::new(ip, CLIENT_PORT));
        Connected::new(remote, local)
    }

    /// More about a refusal than a client may know.
    fn why(&self, rejection: &Rejection, exchange: &Exchange, explanation: &Explanation) -> String {
        match rejection {
            Rejection::NotFound if explanation.route.is_none() => {
                format!("no route for this host and path; there are {}", self.routes())
            }
            Rejection::NotFound if self.is_closed(exchange) => {
                "the route is `internal`: only other routes, error pages and applications lead there"
                    .to_owned()
            }
            Rejection::NotFound => self.missing(exchange).unwrap_or_else(|| rejection.to_string()),
            other => other.to_string(),
        }
    }

    /// Whether the route is none for clients, from which the request has come straight.
    fn is_closed(&self, exchange: &Exchange) -> bool {
        let route = exchange.route().map(|number| &self.frontend.routes[number]);
        route.is_some_and(|route| route.internal) && !exchange.is_internal()
    }

    /// The routes that there are, or the first of them.
    fn routes(&self) -> String {
        let all = &self.frontend.routes;
        let name = |route| Matched::rule(route).to_string();
        let mut names: Vec<_> = all.iter().take(MOST_ROUTES).map(name).collect();
        if let more @ 1.. = all.len().saturating_sub(MOST_ROUTES) {
            names.push(format!("{more} more"));
        }
        names.join("; ")
    }

    /// Why the handler has nothing for a request.
    fn missing(&self, exchange: &Exchange) -> Option<String> {
        let path = DecodedPath::of(&exchange.request.head.target.path_bytes()).ok()?;
        let route = self.service.numbered(exchange.route()?)?;
        route.handler.missing(&path, exchange.request.head.target.path())
    }
}

/// What an application would get.
fn forward(
    exchange: &mut Exchange,
    to: Destination<'_>,
    original: &Request,
    explanation: &mut Explanation,
) -> Result<Outcome, Rejection> {
    let route = &to.route.config;
    upload::admit(exchange.request.inspected.announced, &route.limits)?;
    let before = exchange.request.head.fields.clone();
    exchange.client();
    let request = &mut exchange.request;
    let by_client = fields::left_out(&before, &request.head.fields, LeftOut::by_client);
    explanation.left_out.extend(by_client);
    let announced = request.inspected.announced;
    forward::complete(request, to, body(original, announced, &to))?;
    let (head, upstream) = (&request.head, to.upstream);
    let preview = upstream.preview(head).map_err(Failure::from)?;
    if let Preview::Variables { size: Err(error), .. } = &preview {
        let refused = Refused::new(&Failure::from(*error).into(), error.to_string());
        explanation.refused = Some(refused);
    }
    let chunked = original.fields.contains(FieldName::TransferEncoding);
    let forwarded = Forwarded::new(head, route, upstream, preview, chunked);
    Ok(Outcome::Forwarded(Box::new(forwarded)))
}

/// The request as a connection would read it.
fn request(question: Question) -> Result<Request> {
    let Question {
        method, url, fields, ..
    } = question;
    let mut all = Fields::new();
    if !fields.contains(FieldName::Host) {
        let host = url
            .authority()
            .map_or("localhost", |authority| authority.as_str());
        let host = FieldValue::new(host.as_bytes()).context("the host of the URL is none")?;
        all.append(FieldName::Host, host);
    }
    all.append_all(&fields);
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    Ok(Request {
        method,
        target: target.parse::<Target>().context("the path of the URL is none")?,
        authority: None,
        version: Version::HTTP_11,
        fields: all,
    })
}

/// What would be known of the body. The length of one that comes in chunks is known once it is here.
fn body(original: &Request, announced: Option<u64>, to: &Destination<'_>) -> Announced {
    let in_chunks = original.fields.contains(FieldName::TransferEncoding);
    let http = to.upstream.config().protocol == ProtocolName::Http;
    match in_chunks {
        false => Announced {
            length: announced,
            chunked: false,
        },
        true if http && !to.route.config.buffering.request => Announced {
            length: None,
            chunked: true,
        },
        true => Announced {
            length: Some(0),
            chunked: false,
        },
    }
}

fn answered(answer: &Answer) -> Outcome {
    let mut headers = pairs(&answer.fields);
    if matches!(answer.body, Body::Unanswered) {
        let (status, headers) = (answer.status.as_u16(), Vec::new());
        return Outcome::Answered(Answered { status, headers });
    }
    let has_body = !matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = answer
        .length
        .or_else(|| answer.body.remaining().filter(|_| has_body));
    headers.extend(length.map(|length| ("Content-Length".to_owned(), length.to_string())));
    Outcome::Answered(Answered {
        status: answer.status.as_u16(),
        headers,
    })
}

/// An address that a client can connect to where a listener has a wildcard.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// Routes that are named when none fits.
const MOST_ROUTES: usize = 8;

/// The port of the client that is made up: the first that systems give out.
const CLIENT_PORT: u16 = 49_152;
