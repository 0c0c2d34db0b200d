//! The status as JSON: for eyes, `jq`, and scripts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::telemetry::histogram::Distribution;
use crate::telemetry::limits::LimitCounters;
use crate::telemetry::{CertificateValidity, Counters, Orders, RouteTimes};
use crate::upstream::Upstream;
use crate::upstream::model::endpoint::Endpoint;

/// Everything.
pub(super) fn page(counters: &Counters, upstreams: &[Arc<Upstream>]) -> String {
    let routes = counters.routes.all();
    let all = json!({
        "counters": of_process(counters),
        "upstreams": upstreams.iter().map(|upstream| of_upstream(upstream, &routes)).collect::<Vec<_>>(),
        "routes": routes.iter().map(|route| of_route(route)).collect::<Vec<_>>(),
        "limits": counters.limits.all().iter().map(|limit| of_limit(limit)).collect::<Vec<_>>(),
        "acme": orders(&counters.orders),
        "certificates": counters.certificates.all().iter().map(of_certificate).collect::<Vec<_>>(),
    });
    format!("{all:#}\n")
}

/// `{"requests_total": 7, "responses_total": {"2xx": 7, …}, …}`
fn of_process(counters: &Counters) -> Value {
    let mut all = Map::new();
    for sample in counters.snapshot() {
        let Some((_, part)) = sample.label else {
            all.insert(sample.name.to_owned(), sample.value.into());
            continue;
        };
        let parts = all.entry(sample.name).or_insert_with(|| json!({}));
        parts[part] = sample.value.into();
    }
    all.into()
}

/// An upstream, with the times of all routes that it answers.
fn of_upstream(upstream: &Upstream, routes: &[Arc<RouteTimes>]) -> Value {
    let snapshot = upstream.snapshot();
    let tally = upstream.tally();
    let own = || routes.iter().filter(|route| *route.upstream == **upstream.name());
    let queue: Distribution = own().map(|route| route.queue.distribution()).sum();
    let head: Distribution = own().map(|route| route.head.distribution()).sum();
    json!({
        "name": &**upstream.name(),
        "protocol": upstream.config().protocol.as_str(),
        "answers": times(&head),
        "failures": tally.failures.value(),
        "repeats": tally.repeats.value(),
        "queue": {
            "length": snapshot.waiting,
            "size": upstream.config().queue.size,
            "oldest_seconds": snapshot.oldest.map(|age| age.as_secs_f64()),
            "wait": times(&queue),
            "clients": snapshot.clients,
            "capped_clients": snapshot.capped,
            "displaced": snapshot.displaced,
        },
        "endpoints": snapshot.endpoints.iter().map(|endpoint| of_endpoint(endpoint)).collect::<Vec<_>>(),
    })
}

fn of_endpoint(endpoint: &Endpoint) -> Value {
    json!({
        "name": &*endpoint.name,
        "circuit": endpoint.circuit().as_str(),
        "weight": endpoint.config.weight,
        "backup": endpoint.config.backup,
        "drain": endpoint.config.drain,
        "busy": endpoint.in_flight(),
        "slots": endpoint.slots(),
        "idle": endpoint.idle(),
        "served": endpoint.served(),
        "connected": endpoint.connected(),
        "failed": endpoint.failed(),
    })
}

fn of_route(route: &RouteTimes) -> Value {
    json!({
        "name": &*route.name,
        "upstream": Some(&*route.upstream).filter(|name| !name.is_empty()),
        "requests": times(&route.total.distribution()),
    })
}

fn of_limit(limit: &LimitCounters) -> Value {
    let outcomes = limit.outcomes().into_iter();
    let outcomes = outcomes.map(|(outcome, counter)| (outcome.to_owned(), counter.value().into()));
    json!({
        "name": &*limit.name,
        "requests": outcomes.collect::<Map<_, _>>(),
        "waiting": limit.waiting.value(),
        "keys_lost": limit.keys_lost.value(),
    })
}

fn of_certificate(certificate: &CertificateValidity) -> Value {
    json!({
        "file": certificate.file,
        "names": certificate.names,
        "not_after_seconds": certificate.not_after,
    })
}

/// Certificates that the gateway gets for itself, by their names.
fn orders(orders: &Orders) -> Value {
    let failed = orders
        .failed()
        .map(|(why, count)| (why.as_str().to_owned(), count.into()));
    let states = orders.states().into_iter().map(|(name, state)| {
        let state = json!({
            "state": state.state,
            "directory": state.directory,
            "challenge": state.challenge,
            "not_after_seconds": state.not_after,
            "next_order_seconds": state.next,
            "failures": state.failures,
            "error": state.error,
        });
        (name, state)
    });
    json!({
        "issued": orders.issued(),
        "failed": failed.collect::<Map<_, _>>(),
        "certificates": states.collect::<Map<_, _>>(),
    })
}

/// How many there were, and their mean; the buckets are Prometheus' business.
fn times(distribution: &Distribution) -> Value {
    let count = distribution.count();
    let mean = match u32::try_from(count) {
        Ok(count @ 1..) => Some(distribution.sum / count),
        _ => None,
    };
    json!({ "count": count, "mean_seconds": mean.as_ref().map(Duration::as_secs_f64) })
}
