//! What the gateway would do with a request: `bridgehead explain`.
//!
//! Nothing is listened on, connected to or sent. Every decision is made by the function that the service
//! makes it with ([`plan`], [`Connected::client`], [`Upstream::preview`]); only the words are made here.

mod account;
mod fields;
mod health;
mod text;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, StatusCode, Uri, Version};

use super::open;
use crate::config::Config;
use crate::files::DecodedPath;
use crate::frontend::forwarded::Connected;
use crate::frontend::inspect::inspect;
use crate::frontend::php::Unresolved;
use crate::frontend::plan::{self, Action, Announced, Destination};
use crate::frontend::received::Received;
use crate::frontend::rejection::Rejection;
use crate::frontend::route::Handler;
use crate::frontend::router::Router;
use crate::frontend::{self, Answer, Request, Route, respond, upload};
use crate::protocol::Target;
use crate::protocol::fields::{FieldName, FieldValue, Fields};
use crate::protocol::request::RequestId;
use crate::telemetry::Counters;
use crate::telemetry::route::Routes;
use crate::transport::Address;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::{Failure, Preview, Upstream};

pub use account::Explanation;
use account::{Answered, Forwarded, Matched, Outcome, Refused, pairs};
use fields::LeftOut;

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

/// Says what a gateway with this configuration would do. Fails like the gateway would when it starts.
pub fn explain(config: Config, question: Question) -> Result<Explanation> {
    let upstreams: Vec<_> = config
        .upstreams
        .into_iter()
        .map(|config| Arc::new(Upstream::new(config)))
        .collect();
    let frontend = config.frontend;
    let roots = open::roots(&frontend.routes, &open::Progress::default())?;
    let routes = frontend.routes.iter().zip(roots);
    let times = Routes::default();
    let routes = routes.map(|(route, root)| Route::new(route.clone(), root, &upstreams, &times));
    let gateway = Gateway {
        router: plan::router(&frontend, routes.collect()),
        frontend,
    };
    gateway.explain(question)
}

/// As much of a gateway as decides.
struct Gateway {
    frontend: frontend::Config,
    router: Router<Route>,
}

impl Gateway {
    fn explain(&self, question: Question) -> Result<Explanation> {
        let connected = self.connection(question.from);
        let original = request(question)?;
        let mut explanation = Explanation::of(&original);
        explanation.outcome = match self.outcome(&original, &connected, &mut explanation) {
            Ok(outcome) => outcome,
            Err(rejection) => {
                let why = self.why(&rejection, &original, &explanation);
                Outcome::Refused(Refused::new(&rejection, why))
            }
        };
        Ok(explanation)
    }

    /// The way of [`crate::frontend::service`].
    fn outcome(
        &self,
        original: &Request,
        connected: &Connected,
        explanation: &mut Explanation,
    ) -> Result<Outcome, Rejection> {
        let mut request = checked(original)?;
        explanation.left_out = fields::left_out(&original.fields, &request.head.fields, LeftOut::by_check);
        if plan::is_for_us(&request) {
            return Ok(answered(&respond::options()));
        }
        let (path, route) = plan::route(&request, &self.router)?;
        explanation.path = Some(account::text(path.as_bytes()));
        explanation.route = Some(Matched::rule(&route.config));
        match plan::action(&mut request, route, &path)? {
            Action::Answer(answer) => Ok(answered_on(route, answer)),
            Action::Status(status) => {
                let head = &mut request.head;
                let client = connected.client(&mut head.fields, &self.frontend.trusted_proxies);
                let ip = client.remote.as_ref().map(|peer| peer.address.ip());
                status.admit(&head.method, ip)?;
                let nothing_yet = Counters::default();
                Ok(answered_on(route, status.answer(&nothing_yet, None)))
            }
            Action::Forward(to) => self.forward(request, to, original, connected, explanation),
        }
    }

    fn forward(
        &self,
        mut request: Received,
        to: Destination<'_>,
        original: &Request,
        connected: &Connected,
        explanation: &mut Explanation,
    ) -> Result<Outcome, Rejection> {
        upload::admit(request.inspected.announced, &to.route.limits)?;
        let before = request.head.fields.clone();
        let head = &mut request.head;
        head.client = connected.client(&mut head.fields, &self.frontend.trusted_proxies);
        let by_client = fields::left_out(&before, &request.head.fields, LeftOut::by_client);
        explanation.left_out.extend(by_client);
        let body = body(original, &request, &to);
        plan::complete(&mut request, to, body);
        let (head, Destination { route, upstream }) = (request.head, to);
        let preview = upstream.preview(&head).map_err(Failure::from)?;
        if let Preview::Variables { size: Err(error), .. } = &preview {
            let refused = Refused::new(&Failure::from(*error).into(), error.to_string());
            explanation.refused = Some(refused);
        }
        let chunked = original.fields.contains(FieldName::TransferEncoding);
        Ok(Outcome::Forwarded(Box::new(Forwarded::new(
            &head, route, upstream, preview, chunked,
        ))))
    }

    /// The ends of the connection: the client's is made up, ours is the first listener.
    fn connection(&self, from: Option<IpAddr>) -> Connected {
        let local = match self.frontend.listeners.first().map(|listener| &listener.address) {
            Some(Address::Tcp(address)) => Some(SocketAddr::new(reachable(address.ip()), address.port())),
            _ => None,
        };
        let from = from.or(local.map(|_| Ipv4Addr::LOCALHOST.into()));
        let remote = from.map(|ip| SocketAddr::new(ip, CLIENT_PORT));
        Connected::new(remote, local)
    }

    /// More about a refusal than a client may know.
    fn why(&self, rejection: &Rejection, original: &Request, explanation: &Explanation) -> String {
        match rejection {
            Rejection::Conflict => fields::conflict(&original.fields),
            Rejection::NotFound if explanation.route.is_none() => {
                format!("no route for this host and path; there are {}", self.routes())
            }
            Rejection::NotFound => self.missing(original).unwrap_or_else(|| rejection.to_string()),
            other => other.to_string(),
        }
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

    /// Why a document root has nothing for a request.
    fn missing(&self, original: &Request) -> Option<String> {
        let request = checked(original).ok()?;
        let (path, route) = plan::route(&request, &self.router).ok()?;
        match (&route.handler, &route.config.handler) {
            (Handler::Php(_, site), frontend::config::Handler::Php(php)) => {
                let root = php.root.display();
                let why = match site.resolve(&path, request.head.target.path()) {
                    Err(Unresolved::SuffixCase) => Unresolved::SuffixCase.to_string(),
                    Err(error) => format!("{error}, and there is no front_controller"),
                    Ok(_) => PROGRAM.to_owned(),
                };
                Some(format!("{} below {root}: {why}", shown(&path)))
            }
            (_, frontend::config::Handler::Files(files)) => {
                let root = files.root.display();
                Some(format!(
                    "nothing to send for {} below {root} ({PROGRAM})",
                    shown(&path)
                ))
            }
            _ => None,
        }
    }
}

/// The request as a connection would hand it over.
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

/// The request as the service sees it once it is checked.
fn checked(original: &Request) -> Result<Received, Rejection> {
    let mut request = Received::new(original.clone(), RequestId(0));
    inspect(&mut request)?;
    Ok(request)
}

/// What would be known of the body. The length of one that comes in chunks is known once it is here.
fn body(original: &Request, request: &Received, to: &Destination<'_>) -> Announced {
    let in_chunks = original.fields.contains(FieldName::TransferEncoding);
    let http = to.upstream.config().protocol == ProtocolName::Http;
    match in_chunks {
        false => Announced {
            length: request.inspected.announced,
            chunked: false,
        },
        true if http && !to.route.buffering.request => Announced {
            length: None,
            chunked: true,
        },
        true => Announced {
            length: Some(0),
            chunked: false,
        },
    }
}

/// An answer with the fields of its route.
fn answered_on(route: &Route, mut answer: Answer) -> Outcome {
    answer.fields.set_all(&route.config.headers);
    answered(&answer)
}

fn answered(answer: &Answer) -> Outcome {
    let mut headers = pairs(&answer.fields);
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

fn shown(path: &DecodedPath) -> String {
    account::text(&Bytes::copy_from_slice(path.as_bytes()))
}

/// Why a file that is there is not sent.
const PROGRAM: &str = "names that end in .php, .phtml or .phar are never sent as they are";

/// Routes that are named when none fits.
const MOST_ROUTES: usize = 8;

/// The port of the client that is made up: the first that systems give out.
const CLIENT_PORT: u16 = 49_152;
