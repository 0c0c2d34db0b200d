//! Has an application answer: the body of the request in, its own answer out.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, Version};
use tokio::time::Instant;

use super::answer::Answer;
use super::body::Body;
use super::config;
use super::connection::Connection;
use super::exchange::Exchange;
use super::received::Received;
use super::rejection::Rejection;
use super::route::Route;
use super::service::Service;
use super::streaming_body::StreamingBody;
use super::tunnel::Tunnel;
use super::upload::{Incoming, Rules, Upload};
use crate::protocol::fields::FieldName;
use crate::protocol::request::RequestId;
use crate::protocol::{Authority, RequestHead, ResponseHead};
use crate::spool;
use crate::telemetry::Phase;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::{self, Interim, Options, Relays, RequestBody, Trace, Upstream, UpstreamAnswer};
use crate::variables::Template;

/// Where a request goes to.
#[derive(Clone, Copy)]
pub struct Destination<'r> {
    /// The route that says so.
    pub route: &'r Arc<Route>,
    /// The application's workers.
    pub upstream: &'r Arc<Upstream>,
}

/// A [`Destination`] for as long as an answer takes.
pub(super) struct Forwarding {
    route: Arc<Route>,
    upstream: Arc<Upstream>,
}

impl Forwarding {
    /// Keeps what a destination refers to.
    pub(super) fn to(destination: Destination<'_>) -> Self {
        Self {
            route: destination.route.clone(),
            upstream: destination.upstream.clone(),
        }
    }

    /// Where it goes to.
    pub(super) fn destination(&self) -> Destination<'_> {
        Destination {
            route: &self.route,
            upstream: &self.upstream,
        }
    }
}

/// What is known of a request's body before it is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Announced {
    /// See [`RequestHead::content_length`].
    pub length: Option<u64>,
    /// See [`RequestHead::chunked`].
    pub chunked: bool,
}

/// Sends a request to its application, and takes its answer.
pub(super) async fn send(
    service: &Service,
    exchange: &mut Exchange,
    body: impl Incoming,
    to: &Forwarding,
) -> Result<(), Rejection> {
    let (route, upstream) = (&to.route.config, &to.upstream);
    let (upload, now) = match body.is_over() {
        true => bodiless(exchange),
        false => {
            let upload = Box::pin(uploaded(service, exchange, body, to)).await?;
            (upload, Instant::now())
        }
    };
    let Upload {
        body: content,
        length,
        chunked,
    } = upload;
    if exchange.request.replaced.is_none() {
        exchange.received(length);
    }
    exchange.client();
    let Exchange {
        request,
        record,
        connection,
        context,
        interim,
        ..
    } = exchange;
    complete(request, to.destination(), Announced { length, chunked })?;
    let interim = match request.head.version {
        Version::HTTP_11 => Some(&**connection as &dyn Interim),
        Version::HTTP_2 => interim.as_deref().map(|answers| answers as &dyn Interim),
        // Knows none.
        _ => None,
    };
    let options = options(&context.relays, &to.route, interim, now);
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
    let id = request.head.id;
    let silence = || tunnel_silence(service, route, connection);
    exchange.answer = relayed(answer, upstream, silence, id);
    Ok(())
}

/// The body of a request that has none, and the time.
fn bodiless(exchange: &Exchange) -> (Upload, Instant) {
    let now = match exchange.request.rounds {
        // Its head has just come.
        0 => exchange.record.since(),
        _ => Instant::now(),
    };
    (Upload::none(exchange.request.inspected.announced), now)
}

/// The body of a request, as its route wants it taken.
async fn uploaded(
    service: &Service,
    exchange: &mut Exchange,
    body: impl Incoming,
    to: &Forwarding,
) -> Result<Upload, Rejection> {
    exchange.record.uploads();
    let announced = exchange.request.inspected.announced;
    let rules = rules(service, &exchange.connection, to.destination());
    let spools = exchange.context.relays.spools();
    Upload::take(body, announced, &rules, spools).await
}

/// Completes the head for its application, when its body is known.
pub fn complete(request: &mut Received, to: Destination<'_>, body: Announced) -> Result<(), Rejection> {
    let head = &mut request.head;
    head.host = match &to.route.host {
        Some(template) => host(head, template)?,
        None => None,
    };
    head.content_length = body.length;
    head.chunked = body.chunked;
    head.server_name.clone_from(&to.route.name);
    if let Some(onward) = &to.route.onward {
        onward.apply(head);
    }
    let http = to.upstream.config().protocol == ProtocolName::Http;
    if let Some(protocol) = request.inspected.upgrade.take() {
        if !http {
            return match head.version {
                // It wants nothing else.
                Version::HTTP_2 => Err(Rejection::NotSwitched),
                _ => Ok(()),
            };
        }
        head.upgrade = true;
        head.fields.set(FieldName::Connection, "upgrade");
        head.fields.try_set(FieldName::Upgrade, &protocol);
    }
    Ok(())
}

/// What a template of a `Host` comes to for a request; nothing: as if there were none.
fn host(head: &RequestHead, template: &Template) -> Result<Option<Box<Bytes>>, Rejection> {
    let mut host = Vec::new();
    template.write(head, &mut |piece| host.extend_from_slice(piece));
    if host.is_empty() {
        return Ok(None);
    }
    match Authority::parse(&host) {
        Some(_) => Ok(Some(Box::new(host.into()))),
        None => Err(Rejection::HostTemplate(host.escape_ascii().to_string())),
    }
}

/// How the body of a request is to be taken.
fn rules(service: &Service, connection: &Connection, to: Destination<'_>) -> Rules {
    let (route, upstream) = (&to.route.config, to.upstream);
    Rules {
        limits: route.limits,
        buffering: route.buffering,
        pause: match route.timeouts.body {
            Some(pause) => pause,
            None => service.edge_of(connection.listener.as_ref()).timeouts().body,
        },
        unknown_length: upstream.config().unknown_length(),
    }
}

/// How long nothing may move in a tunnel.
fn tunnel_silence(service: &Service, route: &config::Route, connection: &Connection) -> Duration {
    let edge = service.edge_of(connection.listener.as_ref());
    route.timeouts.tunnel.unwrap_or(edge.timeouts().tunnel)
}

/// How an answer on this route goes to its client.
fn options<'a>(
    relays: &'a Relays,
    route: &'a Route,
    interim: Option<&'a dyn Interim>,
    now: Instant,
) -> Options<'a> {
    let terms = route.terms.as_ref();
    let route = &route.config;
    Options {
        terms,
        ignore_abort: route.ignore_client_abort,
        buffered: route.buffering.response,
        limits: spool::Limits {
            memory: route.buffering.memory,
            disk: route.buffering.disk,
        },
        interim,
        now,
        relays,
    }
}

/// Sends a request in a task of its own, which goes on when the client leaves, and which a stop waits for; so nothing
/// of the client's can hear of interim answers.
async fn detached(
    upstream: Arc<Upstream>,
    head: RequestHead,
    body: RequestBody,
    options: Options<'_>,
    trace: &mut Trace,
) -> Result<UpstreamAnswer, Rejection> {
    let Options {
        ignore_abort,
        buffered,
        limits,
        terms,
        interim: _,
        now,
        relays,
    } = options;
    let (tasks, relays, terms) = (relays, relays.clone(), terms.cloned());
    let mut own = trace.clone();
    // All that can be said of it if the client leaves before the task tells more.
    trace.goes_to(upstream.name());
    trace.enter(Phase::Head, now);
    let sent = tasks.detach(async move {
        let options = Options {
            ignore_abort,
            buffered,
            limits,
            terms: terms.as_ref(),
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

/// An application's answer to the request `id`, as the client gets it. What is not complete goes on until its upstream is
/// retired, a tunnel also until there was `silence` for so long.
fn relayed(
    answer: UpstreamAnswer,
    upstream: &Arc<Upstream>,
    silence: impl FnOnce() -> Duration,
    id: RequestId,
) -> Answer {
    let body = match answer.body {
        upstream::Body::Switched(switched) => {
            Body::Tunnel(Box::new(Tunnel::new(*switched, upstream.clone(), silence(), id)))
        }
        // Has no content, but is framed like answers that have (RFC 9110, section 15.3.6).
        _ if answer.head.status == StatusCode::RESET_CONTENT => Body::Empty,
        complete @ upstream::Body::Full(_) => Body::Upstream(complete),
        going_on => Body::StreamingBody(Box::new(StreamingBody::new(going_on, upstream.clone()))),
    };
    let ResponseHead {
        status,
        fields,
        length,
        ..
    } = *answer.head;
    Answer {
        status,
        fields,
        length,
        body,
    }
}
