//! A request's way, from its connection and back: readable from top to bottom.

use std::pin::Pin;
use std::sync::Arc;

use super::answer::Answer;
use super::exchange::Exchange;
use super::flow::{Flow, InternalUri, Pause};
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
    let decided = checked.and_then(|()| decide(service, &mut exchange));
    let failed = decided.is_err();
    match or_page(service, &mut exchange, decided, false) {
        Next::Forward(to) => {
            // Made where it stays: it is large.
            let place = Box::new_uninit();
            let handling = forwarded(service.clone(), exchange, body(), Forwarding::to(to));
            let handling = Box::write(place, handling);
            return Begun::Forwarded(Box::into_pin(handling));
        }
        Next::Wait(wait) => {
            return Begun::Forwarded(Box::pin(waited(service.clone(), exchange, body(), wait)));
        }
        Next::Answered if failed => {}
        Next::Answered => exchange.record.ours(),
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

/// Something comes first; then the request goes on, its body still with its client.
async fn waited<B: Incoming>(
    service: Arc<Service>,
    mut exchange: Box<Exchange>,
    body: B,
    wait: Box<Wait>,
) -> Box<Exchange> {
    let mut wait = wait;
    loop {
        let resumed = resume(&service, &mut exchange, wait).await;
        let failed = resumed.is_err();
        match or_page(&service, &mut exchange, resumed, false) {
            Next::Wait(next) => wait = next,
            Next::Forward(to) => {
                let forwarding = Forwarding::to(to);
                return Box::pin(forwarded(service, exchange, body, forwarding)).await;
            }
            Next::Answered => {
                if !failed {
                    exchange.record.ours();
                }
                exchange.decided();
                return exchange;
            }
        }
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

/// What comes next for a request.
pub enum Next<'s> {
    /// It has its answer.
    Answered,
    /// An application answers.
    Forward(Destination<'s>),
    /// Something has to be over first.
    Wait(Box<Wait>),
}

/// What has to be over before a route is asked again.
pub struct Wait {
    pause: Pause,
    /// The number of the route.
    route: usize,
    path: DecodedPath,
}

/// Finds what answers a request that was checked.
pub fn decide<'s>(service: &'s Service, exchange: &mut Exchange) -> Result<Next<'s>, Rejection> {
    if options::is_asked(&exchange.request) {
        exchange.answer = options::answer();
        return Ok(Next::Answered);
    }
    let found = service.route(exchange)?;
    follow(service, exchange, found)
}

/// A route, and the path by which it has a request.
type Found<'s> = (DecodedPath, &'s Arc<Route>);

/// Goes on with the route for which something had to be over.
async fn resume<'s>(
    service: &'s Service,
    exchange: &mut Exchange,
    wait: Box<Wait>,
) -> Result<Next<'s>, Rejection> {
    let Wait { pause, route, path } = *wait;
    pause.await?;
    let route = service.numbered(route).ok_or(Rejection::Internal)?;
    follow(service, exchange, (path, route))
}

/// From one route to the next, until one answers.
fn follow<'s>(
    service: &'s Service,
    exchange: &mut Exchange,
    mut found: Found<'s>,
) -> Result<Next<'s>, Rejection> {
    let mut handed = false;
    loop {
        let (path, route) = found;
        exchange.record.routed(route.number);
        let flow = pass(route, exchange, &path)?;
        if let Some(of) = owner(service, exchange, &path, route, &flow) {
            let script = &exchange.request.head.script;
            let index = match flow {
                Flow::Index(index) => Some(index),
                _ => script.path_info.is_empty().then(|| script.name.clone()),
            };
            found = match index {
                Some(index) => {
                    let uri = InternalUri::path(&index, exchange.request.head.target.query());
                    let name = exchange.reroute(uri)?;
                    find(service, exchange, name)?
                }
                // Two routes that run different files for one path would hand it to and fro.
                None if handed => return Err(Rejection::NotFound),
                None => {
                    handed = true;
                    exchange.hand_over();
                    (path, of)
                }
            };
            continue;
        }
        found = match flow {
            Flow::Answered | Flow::Index(_) => match route.filters.after(exchange) {
                None => return Ok(Next::Answered),
                Some(uri) => {
                    let name = exchange.replace(uri)?;
                    find(service, exchange, name)?
                }
            },
            Flow::Forward(upstream) => return Ok(Next::Forward(Destination { route, upstream })),
            Flow::Wait(pause) => {
                let route = route.number;
                return Ok(Next::Wait(Box::new(Wait { pause, route, path })));
            }
            Flow::Internal(uri) => {
                let name = exchange.reroute(uri)?;
                find(service, exchange, name)?
            }
            Flow::Named(name) => {
                exchange.again()?;
                service.named(exchange, name)?
            }
        }
    }
}

/// The route of the file that answers, where that is another one than has found it: a file may have another name than was
/// asked for, if it is an index or has a path behind it, and what is said of it holds however it is found.
#[inline]
fn owner<'s>(
    service: &'s Service,
    exchange: &Exchange,
    path: &DecodedPath,
    route: &Arc<Route>,
    flow: &Flow<'_>,
) -> Option<&'s Arc<Route>> {
    let name = match flow {
        Flow::Index(index) => &index[..],
        Flow::Forward(_) if route.runs_files => exchange.request.head.script.found_for(path.as_bytes())?,
        _ => return None,
    };
    let owner = service.find(exchange, name)?;
    // Routes lead to one with a name whatever the path is.
    let other = !Arc::ptr_eq(owner, route) && !route.config.path.is_named();
    other.then_some(owner)
}

/// The route that is to have a request now: that of the name, or the one for its path.
fn find<'s>(
    service: &'s Service,
    exchange: &Exchange,
    name: Option<Box<str>>,
) -> Result<Found<'s>, Rejection> {
    match name {
        Some(name) => service.named(exchange, &name),
        None => service.route(exchange),
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
                Next::Forward(forwarding.destination())
            }
        };
        if !matches!(next, Next::Answered) {
            Box::pin(replaced(&service, &mut exchange, next)).await;
        }
        exchange.decided();
        exchange
    }
}

/// Has others answer in the place of applications.
async fn replaced<'s>(service: &'s Service, exchange: &mut Exchange, mut next: Next<'s>) {
    loop {
        next = match next {
            Next::Answered => return,
            Next::Forward(to) => {
                let sent = forward::send(service, exchange, NoBody, &Forwarding::to(to)).await;
                answered(service, exchange, to, sent)
            }
            Next::Wait(wait) => {
                let resumed = resume(service, exchange, wait).await;
                or_page(service, exchange, resumed, true)
            }
        }
    }
}

/// What comes after an application: another one, or nothing more.
fn answered<'s>(
    service: &'s Service,
    exchange: &mut Exchange,
    by: Destination<'s>,
    sent: Result<(), Rejection>,
) -> Next<'s> {
    let next = sent.and_then(|()| match by.route.filters.after(exchange) {
        None => Ok(Next::Answered),
        Some(uri) => {
            let name = exchange.replace(uri)?;
            let found = find(service, exchange, name)?;
            follow(service, exchange, found)
        }
    });
    or_page(service, exchange, next, true)
}

/// What answers, also in the place of a failure, for which there may be a page; `asked`: an application has had the
/// request.
#[inline]
fn or_page<'s>(
    service: &'s Service,
    exchange: &mut Exchange,
    decided: Result<Next<'s>, Rejection>,
    asked: bool,
) -> Next<'s> {
    match decided {
        Ok(next) => next,
        Err(rejection) => page(service, exchange, rejection, asked),
    }
}

/// Answers a request that failed, by the page that its route has for that. Ends: each page is another round.
#[cold]
fn page<'s>(
    service: &'s Service,
    exchange: &mut Exchange,
    mut rejection: Rejection,
    asked: bool,
) -> Next<'s> {
    loop {
        let Some(uri) = fail(service, exchange, &rejection) else {
            return Next::Answered;
        };
        let found = lead(exchange, uri, asked).and_then(|name| find(service, exchange, name));
        match found.and_then(|found| follow(service, exchange, found)) {
            Ok(next) => return next,
            Err(next) => rejection = next,
        }
    }
}

/// The request goes on with its page. As with nginx, a route that is named gets what the client has sent, as long as
/// nothing else had it.
fn lead(exchange: &mut Exchange, uri: InternalUri, asked: bool) -> Result<Option<Box<str>>, Rejection> {
    match uri {
        InternalUri::Named(_) if !asked => exchange.reroute(uri),
        uri => exchange.replace(uri),
    }
}

/// Answers a request that failed, as far as it got; gives where its page is, if there is one.
fn fail(service: &Service, exchange: &mut Exchange, rejection: &Rejection) -> Option<InternalUri> {
    if exchange.turn_back(rejection) {
        return None;
    }
    exchange.reject(rejection);
    let route = exchange.route().and_then(|number| service.numbered(number))?;
    route.filters.failed(exchange);
    match rejection.has_page() {
        true => route.config.errors.page(rejection.status())?.lead(exchange),
        false => None,
    }
}

#[cfg(test)]
mod tests;
