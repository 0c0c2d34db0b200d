//! A request's way, from its connection and back: readable from top to bottom.

use std::pin::Pin;
use std::sync::Arc;

use super::answer::Answer;
use super::exchange::Exchange;
use super::flow::Flow;
use super::forward::{self, Destination, Forwarding};
use super::inspect::inspect;
use super::options;
use super::rejection::Rejection;
use super::route::Route;
use super::secure_hosts::Search;
use super::service::Service;
use super::upload::{Incoming, NoBody};
use crate::files::DecodedPath;

/// A request that is being answered.
pub enum Begun {
    /// With all there is to say.
    Answered(Box<Exchange>),
    /// By an application, some time.
    Forwarded(Handling),
}

/// The work of applications on a request.
pub type Handling = Pin<Box<dyn Future<Output = Box<Exchange>> + Send>>;

/// Begins to answer a request. Whatever goes wrong becomes an answer, and one line in the access log. `body` gives what
/// is left of the request; it is asked only for an application.
pub fn begin<B: Incoming>(
    service: &Arc<Service>,
    mut exchange: Box<Exchange>,
    body: impl FnOnce() -> B,
) -> Begun {
    let checked = check(&mut exchange);
    if checked.is_ok()
        && let Some(hosts) = &service.secure_hosts
    {
        if let Some(search) = hosts.search(&exchange) {
            return Begun::Forwarded(Box::pin(challenged(service.clone(), exchange, body(), search)));
        }
        if let Some(answer) = hosts.redirect(&mut exchange) {
            return Begun::Answered(ours(exchange, answer));
        }
    }
    route(service, exchange, checked, body)
}

/// Begins to answer a request that was checked, by its route.
fn route<B: Incoming>(
    service: &Arc<Service>,
    mut exchange: Box<Exchange>,
    checked: Result<(), Rejection>,
    body: impl FnOnce() -> B,
) -> Begun {
    let checked = checked.and_then(|()| admit(service, &exchange));
    match checked.and_then(|()| decide(service, &mut exchange)) {
        Ok(Some(to)) => {
            // Made where it stays: it is large.
            let place = Box::new_uninit();
            let handling = forwarded(service.clone(), exchange, body(), Forwarding::to(to));
            let handling = Box::write(place, handling);
            return Begun::Forwarded(Box::into_pin(handling));
        }
        Ok(None) => exchange.record.ours(),
        Err(rejection) => fail(service, &mut exchange, &rejection),
    }
    exchange.decided();
    Begun::Answered(exchange)
}

/// A directory may be looking for the answer to its challenge; what is no answer of ours is routed.
async fn challenged<B: Incoming>(
    service: Arc<Service>,
    mut exchange: Box<Exchange>,
    body: B,
    search: Search,
) -> Box<Exchange> {
    if let Some(answer) = search.find().await {
        return ours(exchange, answer);
    }
    let hosts = service.secure_hosts.as_ref();
    if let Some(answer) = hosts.and_then(|hosts| hosts.redirect(&mut exchange)) {
        return ours(exchange, answer);
    }
    match route(&service, exchange, Ok(()), || body) {
        Begun::Answered(exchange) => exchange,
        Begun::Forwarded(handling) => handling.await,
    }
}

/// An answer without a route.
fn ours(mut exchange: Box<Exchange>, answer: Answer) -> Box<Exchange> {
    exchange.answer = answer;
    exchange.record.ours();
    exchange.decided();
    exchange
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

/// Refuses what must not go on; leaves what may.
pub fn check(exchange: &mut Exchange) -> Result<(), Rejection> {
    inspect(&mut exchange.request, &exchange.context.trust)?;
    let inspected = &exchange.request.inspected;
    if inspected.dropped > 0 {
        let counters = &exchange.context.counters;
        counters.fields_dropped.add(inspected.dropped as u64);
    }
    if inspected.awaited {
        exchange.awaited();
    }
    Ok(())
}

/// Refuses what the connection is not for.
fn admit(service: &Service, exchange: &Exchange) -> Result<(), Rejection> {
    service.admit(&exchange.request, exchange.connection.connected.tls())
}

/// Finds what answers a request that was checked. Where that is an application, it says so; else the exchange has its
/// answer.
pub fn decide<'s>(
    service: &'s Service,
    exchange: &mut Exchange,
) -> Result<Option<Destination<'s>>, Rejection> {
    if options::is_asked(&exchange.request) {
        exchange.answer = options::answer();
        return Ok(None);
    }
    let mut found = service.route(exchange)?;
    loop {
        let (path, route) = found;
        exchange.record.routed(route.number);
        found = match pass(route, exchange, &path)? {
            Flow::Answered => match route.filters.after(exchange) {
                None => return Ok(None),
                Some(uri) => {
                    exchange.replace(uri)?;
                    service.route(exchange)?
                }
            },
            Flow::Forward(upstream) => return Ok(Some(Destination { route, upstream })),
            Flow::Internal(uri) => {
                exchange.reroute(uri)?;
                service.route(exchange)?
            }
            Flow::Named(name) => {
                exchange.again()?;
                service.named(exchange, name)?
            }
        }
    }
}

/// Past the filters, to the handler.
fn pass<'r>(route: &'r Route, exchange: &mut Exchange, path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
    match route.filters.before(exchange)? {
        Some(flow) => Ok(flow),
        None => route.handler.handle(exchange, path),
    }
}

/// Has an application answer; another one in its place when a filter of its route wants that. No async function: of
/// that, the future has the arguments twice.
#[allow(clippy::manual_async_fn)]
fn forwarded<B: Incoming>(
    service: Arc<Service>,
    mut exchange: Box<Exchange>,
    body: B,
    forwarding: Forwarding,
) -> impl Future<Output = Box<Exchange>> + Send + 'static {
    async move {
        let next = match exchange.request.replaced {
            None => {
                let sent = forward::send(&service, &mut exchange, body, &forwarding).await;
                answered(&service, &mut exchange, forwarding.destination(), sent)
            }
            Some(_) => {
                // It was for the answer that was replaced; its connection has it back.
                drop(body);
                Some(forwarding.destination())
            }
        };
        if let Some(to) = next {
            Box::pin(replaced(&service, &mut exchange, to)).await;
        }
        exchange.decided();
        exchange
    }
}

/// Has applications answer in the place of others.
async fn replaced<'s>(service: &'s Service, exchange: &mut Exchange, to: Destination<'s>) {
    let mut next = Some(to);
    while let Some(to) = next {
        let sent = forward::send(service, exchange, NoBody, &Forwarding::to(to)).await;
        next = answered(service, exchange, to, sent);
    }
}

/// What comes after an application: another one, or nothing more.
fn answered<'s>(
    service: &'s Service,
    exchange: &mut Exchange,
    by: Destination<'s>,
    sent: Result<(), Rejection>,
) -> Option<Destination<'s>> {
    let next = sent.and_then(|()| match by.route.filters.after(exchange) {
        None => Ok(None),
        Some(uri) => exchange.replace(uri).and_then(|()| decide(service, exchange)),
    });
    next.unwrap_or_else(|rejection| {
        fail(service, exchange, &rejection);
        None
    })
}

/// Answers a request that failed, as far as it got.
#[cold]
fn fail(service: &Service, exchange: &mut Exchange, rejection: &Rejection) {
    exchange.reject(rejection);
    if let Some(route) = exchange.route().and_then(|number| service.numbered(number)) {
        route.filters.failed(exchange);
    }
}

#[cfg(test)]
mod tests;
